/* SPDX-License-Identifier: MIT
 *
 * Private to the type `mailing_lists`: what one list consists of, and its files, opened relative to
 * an open folder. The lists' folders belong to the engine's account, so no path in them is trusted:
 * no link is ever followed.
 */
#pragma once
#include <sys/stat.h>
#include "resource/resource.h"

enum { MLIST_DIR_MODE = 0750, MLIST_FILE_MODE = 0640, MLIST_LISTED = 40 };

/* One list as declared. */
struct mlist {
	struct arena *a;
	const struct value *def;             /* its map */
	const struct value *all;             /* the parameters of the resource */
	const char *address, *name, *domain; /* name@domain */
};

enum mlist_how {
	MLIST_EXACT,  /* exactly this content */
	MLIST_SEED,   /* this content only when there is no such file */
	MLIST_ABSENT, /* no such file */
	MLIST_LINK,   /* a link to `content`; an existing folder is the operator's and stays */
	MLIST_NOLINK, /* no link; an existing folder stays */
};
struct mlist_file {
	const char *path; /* below the list's home */
	enum mlist_how how;
	struct str content;
	const char *told; /* text for the plan instead of the content; NULL: the content */
};
struct mlist_files {
	struct mlist_file *v;
	size_t n;
};

/* What differs between mlmmj and Majordomo. */
struct mlist_engine {
	const char *name;
	bool own_home;              /* a list's home is DOMAIN/NAME, not DOMAIN */
	const char *const *folders; /* path below the home */
	/* Folders of files that hold subscribers; NULL: the file with the list's name does. */
	const char *const *subscribers;
	/* The file that a new subscriber is added to. */
	const char *(*subscriber_file)(const struct mlist *l, const char *address);
	/* All files except those of subscribers. home: the list's present folder, or -1. With
	 * `make` missing passwords are generated; without, a placeholder stands for them. */
	bool (*files)(
		const struct mlist *l, int home, bool make, struct mlist_files *out, struct err *e);
};
extern const struct mlist_engine mlist_mlmmj, mlist_majordomo;

/* ---- files (mailing_list_files.c) ---- */
struct mlist_owner {
	uid_t uid; /* (uid_t)-1: unchanged */
	gid_t gid;
};
/* Opens the folder `path` below `at`; -1 with errno. With `make` it creates missing parts for
 * `who`. */
int mlist_folder(int at, const char *path, const struct mlist_owner *make);
/* Does the owner own the open folder, and is it closed to others? */
bool mlist_folder_right(int fd, const struct mlist_owner *who);
/* Sets owner and mode. */
bool mlist_folder_give(int fd, const struct mlist_owner *who);
struct mlist_text {
	bool found; /* else there is no file, and the text is empty */
	struct str text;
	struct stat st;
};
/* It is an error if it is not a regular file. */
bool mlist_read(struct arena *a, int at, const char *path, struct mlist_text *out, struct err *e);
const char *mlist_link_target(struct arena *a, int at, const char *path); /* NULL: no link */
bool mlist_exists(int at, const char *path);
/* Replaces the file atomically. */
bool mlist_write(
	int at, const char *path, struct str content, const struct mlist_owner *who, struct err *e);
bool mlist_link(int at, const char *path, const char *target, struct err *e);
bool mlist_remove(int at, const char *path, struct err *e);
bool mlist_chown(int at, const char *path, const struct mlist_owner *who, struct err *e);

/* ---- subscribers (mailing_list_members.c) ---- */
/* Address -> null, in lower case. home -1: the list does not exist. */
bool mlist_subscribers(const struct mlist_engine *eng, const struct mlist *l, int home,
	struct value **out, struct err *e);
bool mlist_subscribe(const struct mlist_engine *eng, const struct mlist *l, int home,
	const struct value *add, const struct mlist_owner *who, struct err *e);
bool mlist_unsubscribe(const struct mlist_engine *eng, const struct mlist *l, int home,
	const struct value *remove, const struct mlist_owner *who, struct err *e);
/* Can this address be subscribed? mlmmj uses its first letter as a file name. */
bool mlist_person_valid(struct str address);
/* Adds the addresses in the lines of a text, in lower case, to the map. */
void mlist_parse(struct arena *a, struct str text, struct value *out);

/* ---- one list (mailing_list.c) ---- */
#define MLIST_CLOSED "closed"      /* folder of closed lists below the root */
#define MLIST_DECLARED ".declared" /* name, or suffix, of the file of the members declared last */

/* One run over all lists. */
struct mlist_walk {
	struct host *h;
	const struct value *params, *lists;
	const struct mlist_engine *eng;
	const char *root_path;
	int root; /* -1: it does not exist yet */
	struct mlist_owner who;
	/* The other engine's lists, whose subscribers are taken over; NULL: none. */
	const struct mlist_engine *other;
	int other_root;        /* -1: none */
	struct observation *o; /* observing: changes are added here; NULL: applying */
	size_t told;
};
/* Adds a line to the plan; what NULL: for the list itself. Beyond MLIST_LISTED lines it only
 * counts. */
void mlist_tell(struct mlist_walk *w, const struct mlist *l, const char *what, const char *before,
	const char *after);
bool mlist_observe(struct mlist_walk *w, const struct mlist *l, struct err *e);
/* Opens the list when it is closed, creates it when it does not exist, and brings it up to date. */
bool mlist_make(struct mlist_walk *w, const struct mlist *l, struct err *e);
/* Moves the list and its files between the engine's folder and that of closed lists. */
bool mlist_move(struct mlist_walk *w, const struct mlist *l, bool closing, struct err *e);
