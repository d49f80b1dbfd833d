/* SPDX-License-Identifier: MIT
 *
 * Rules of mail.fail2ban. Only valid networks and durations get into fail2ban's files.
 */
#include "mail/mail.h"

/* "600", "10m", "1w", or "-1" for ever. */
static bool time_ok(struct str s)
{
	size_t n = strspn(s.p, "0123456789");
	if (str_is(s, "-1"))
		return true;
	return n > 0 && n < 10 && (s.n == n || (s.n == n + 1 && strchr("smhdw", s.p[n])));
}

/* fail2ban takes a plain number as seconds: a small one is probably a forgotten unit. */
static void check_unit(struct str s, struct pos pos, struct errs *errs)
{
	if (s.n > 0 && s.n < 3 && strspn(s.p, "0123456789") == s.n && strtol(s.p, NULL, 10) < 60)
		errs_add(errs, pos,
			"%s means %s seconds; write a unit: %sm for minutes, %ss for seconds", s.p,
			s.p, s.p, s.p);
}

void mail_fail2ban_rules(const struct value *mail, struct errs *errs)
{
	static const char *const times[] = {"bantime", "findtime"};
	const struct value *f = map_at(mail, "fail2ban");
	const struct value *ignore = f && f->type == VALUE_MAP ? map_at(f, "ignore") : NULL;

	for (size_t i = 0; f && f->type == VALUE_MAP && i < ARRAY_LEN(times); i++) {
		const struct value *v = map_at(f, times[i]);
		if (v && v->type == VALUE_STR && !time_ok(v->s))
			errs_add(errs, v->pos,
				"'%s' is not a valid duration; write 30s, 10m, 1h, 2d or 1w",
				v->s.p);
		else if (v && (v->type == VALUE_STR || v->type == VALUE_INT))
			check_unit(value_print(errs->a, v), v->pos, errs);
	}
	for (size_t i = 0; ignore && ignore->type == VALUE_LIST && i < ignore->list.n; i++) {
		const struct value *v = ignore->list.v[i];
		bool first; /* host bits may be set: fail2ban masks them itself */
		if (v->type == VALUE_STR && !mail_network_ok(v->s, &first))
			errs_add(errs, v->pos,
				"'%s' is not a valid network; write 192.0.2.0/24 or 2001:db8::/48",
				v->s.p);
	}
}
