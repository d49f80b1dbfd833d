/* SPDX-License-Identifier: MIT
 *
 * The inside of the type `mailing_lists`: what one list is to be made of, and its files, reached
 * from a folder that is open. The lists' folders belong to the engine's account, so no path through
 * them is trusted: no link is ever followed.
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
	MLIST_EXACT,  /* this content */
	MLIST_SEED,   /* this content when there is no such file */
	MLIST_ABSENT, /* no such file */
	MLIST_LINK,   /* a link to `content`; a folder there is the operator's and stays */
	MLIST_NOLINK, /* no link; a folder stays */
};
struct mlist_file {
	const char *path; /* below the list's home */
	enum mlist_how how;
	struct str content;
	const char *told; /* what the plan says instead of the content; NULL: the content */
};
struct mlist_files {
	struct mlist_file *v;
	size_t n;
};

/* What differs between Mlmmj and Majordomo. */
struct mlist_engine {
	const char *name;
	bool own_home;              /* a list's home is DOMAIN/NAME, not DOMAIN */
	const char *const *folders; /* below the home */
	/* Folders of files that hold subscribers; NULL: the list's file of its name does. */
	const char *const *subscribers;
	/* The file that a new subscriber is added to. */
	const char *(*subscriber_file)(const struct mlist *l, const char *address);
	/* All files but the subscribers'. home: the list's folder as it is now, or -1. With `make`
	 * what has to be random is; otherwise it only differs from what is there. */
	bool (*files)(
		const struct mlist *l, int home, bool make, struct mlist_files *out, struct err *e);
};
extern const struct mlist_engine mlist_mlmmj, mlist_majordomo;

/* ---- files (mailing_list_files.c) ---- */
struct mlist_owner {
	uid_t uid; /* (uid_t)-1: leave */
	gid_t gid;
};
/* The folder `path` below `at`; -1 with errno. With `make` what is missing is made for `who`. */
int mlist_folder(int at, const char *path, const struct mlist_owner *make);
/* Is the open folder its owner's, and closed to others? */
bool mlist_folder_right(int fd, const struct mlist_owner *who);
/* Makes it so. */
bool mlist_folder_give(int fd, const struct mlist_owner *who);
struct mlist_text {
	bool found; /* else there is no file, and the text is empty */
	struct str text;
	struct stat st;
};
/* A file that is no regular one is an error. */
bool mlist_read(struct arena *a, int at, const char *path, struct mlist_text *out, struct err *e);
const char *mlist_link_target(struct arena *a, int at, const char *path); /* NULL: no link */
bool mlist_exists(int at, const char *path);
/* Replaces the file at once, or not at all. */
bool mlist_write(
	int at, const char *path, struct str content, const struct mlist_owner *who, struct err *e);
bool mlist_link(int at, const char *path, const char *target, struct err *e);
bool mlist_remove(int at, const char *path, struct err *e);
bool mlist_chown(int at, const char *path, const struct mlist_owner *who, struct err *e);

/* ---- subscribers (mailing_list_members.c) ---- */
/* Address -> null, in lower case. home -1: none. */
bool mlist_subscribers(const struct mlist_engine *eng, const struct mlist *l, int home,
	struct value **out, struct err *e);
bool mlist_subscribe(const struct mlist_engine *eng, const struct mlist *l, int home,
	const struct value *add, const struct mlist_owner *who, struct err *e);
bool mlist_unsubscribe(const struct mlist_engine *eng, const struct mlist *l, int home,
	const struct value *remove, const struct mlist_owner *who, struct err *e);
/* Can it be subscribed? Mlmmj makes a file's name of it. */
bool mlist_person_valid(struct str address);
/* The addresses in the lines of a text, in lower case, into the map. */
void mlist_parse(struct arena *a, struct str text, struct value *out);

/* ---- one list (mailing_list.c) ---- */
#define MLIST_CLOSED "closed"      /* the folder, below the root, of closed lists */
#define MLIST_DECLARED ".declared" /* the file of the members declared last, or its suffix */

/* One run over all lists. */
struct mlist_walk {
	struct host *h;
	const struct value *params, *lists;
	const struct mlist_engine *eng;
	const char *root_path;
	int root; /* -1: not there yet */
	struct mlist_owner who;
	/* The other engine's lists, whose subscribers come along: NULL: none. */
	const struct mlist_engine *other;
	int other_root;        /* -1: none */
	struct observation *o; /* observing: what is found goes here; NULL: applying */
	size_t told;
};
/* A line of the plan; what NULL: the list itself. Past MLIST_LISTED only counted. */
void mlist_tell(struct mlist_walk *w, const struct mlist *l, const char *what, const char *before,
	const char *after);
bool mlist_observe(struct mlist_walk *w, const struct mlist *l, struct err *e);
/* Opened when it is closed, made when it is not there, and filled. */
bool mlist_make(struct mlist_walk *w, const struct mlist *l, struct err *e);
/* Between the engine's folder and that of closed lists, with all that belongs to it. */
bool mlist_move(struct mlist_walk *w, const struct mlist *l, bool closing, struct err *e);
