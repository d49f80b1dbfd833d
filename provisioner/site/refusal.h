/* SPDX-License-Identifier: MIT
 *
 * Which of the user's values a program on a host refused, by what it said: a setting that it names,
 * or a value that it quotes. Names a place only if the words are exact; guesses nothing.
 */
#pragma once
#include "value/field.h"
#include "value/origin.h"

struct refusal {
	const char *words;         /* what the program said */
	const struct value *lines; /* lines of its files that it named: a list of texts */
	const char *daemon;        /* the key of `mail` with the program's own settings; or NULL */
};
struct finding {
	struct arena *a;
	const struct refusal *r;
	int best; /* how exact the places found so far are */
	struct origins places;
	size_t n; /* of all equally exact ones; places has the first */
};
/* A variable that the refused file was made of. */
void find_in_variable(struct finding *f, struct str name, const struct value *v);
/* A map that the table has checked, named `what` in messages. */
void find_in_fields(
	struct finding *f, const struct field *table, const struct value *map, const char *what);
/* The places; none if so many are equally exact that the words tell too little. */
struct origins finding_end(const struct finding *f);
/* What is left of the map when only the settings of programs are kept, with their places; NULL:
 * nothing. */
struct value *settings_only(struct arena *a, const struct field *table, const struct value *map);
/* Without our own words before and after those of the program. */
const char *refusal_words(struct arena *a, const char *error);
