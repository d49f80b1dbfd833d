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

static void check_time(struct mail_text t, struct errs *errs)
{
	if (t.s.p && !time_ok(t.s))
		errs_add(errs, mail_pos(t),
			"'%s' is not a valid duration; write 30s, 10m, 1h, 2d or 1w", t.s.p);
	else if (t.v && (t.s.p || t.v->type == VALUE_INT))
		check_unit(value_print(errs->a, t.v), mail_pos(t), errs);
}

void mail_fail2ban_rules(const struct mail_state *mail, struct errs *errs)
{
	const struct mail_texts *ignore = &mail->bans.ignore;
	check_time(mail->bans.bantime, errs);
	check_time(mail->bans.findtime, errs);
	for (size_t i = 0; i < ignore->n; i++) {
		struct mail_text net = mail_nth(ignore, i);
		bool first; /* host bits may be set: fail2ban masks them itself */
		if (net.s.p && !mail_network_ok(net.s, &first))
			errs_add(errs, mail_pos(net),
				"'%s' is not a valid network; write 192.0.2.0/24 or 2001:db8::/48",
				net.s.p);
	}
}
