/* SPDX-License-Identifier: MIT
 *
 * Rules of the mail state about spam filters: which combinations work, what their own settings may
 * be, which addresses can be traps. Reports problems with their place; skips unknown values.
 */
#include "mail/mail.h"

static void check_piggyback(const struct mail_state *mail, struct errs *errs)
{
	/* the default may not be filled in yet */
	const char *filter = mail->spam_filter.v ? mail->spam_filter.s.p : "rspamd";
	if (mail->piggyback.on && filter && strcmp(filter, "spamassassin") != 0)
		errs_add(errs, entry_pos(mail->piggyback_entry),
			"mail.rspamd_piggyback needs 'spam_filter: spamassassin', which then "
			"decides; here it is '%s'",
			filter);
}

/* ---- settings of the operator ---- */

static bool setting_name(struct str s)
{
	return s.n > 0 && s.n < 80 && strspn(s.p, "abcdefghijklmnopqrstuvwxyz0123456789_-") == s.n;
}

/* The files of local.d that rspamd 3.4 reads; its own check ignores a file that nothing reads. */
static const char *const local_files[] = {"actions", "antivirus", "antivirus_group", "arc", "asn",
	"aws_s3", "bimi", "chartable", "classifier-bayes", "clickhouse", "composites",
	"content_group", "dcc", "dkim", "dkim_signing", "dmarc", "elastic", "emails",
	"excessb64_group", "excessqp_group", "external_relay", "external_services",
	"external_services_group", "fann_redis", "force_actions", "forged_recipients",
	"fuzzy_check", "fuzzy_group", "greylist", "groups", "headers_group", "hfilter",
	"hfilter_group", "history_redis", "http_headers", "logging", "maillist",
	"metadata_exporter", "metric_exporter", "metrics", "mid", "milter_headers", "mime_types",
	"mime_types_group", "mua_group", "multimap", "mx_check", "neural", "neural_group",
	"once_received", "options", "p0f", "phishing", "phishing_group", "policies_group",
	"ratelimit", "rbl", "rbl_group", "redis", "regexp", "replies", "reputation",
	"rmilter_headers", "rspamd_update", "settings", "spamassassin", "spamtrap", "spf",
	"statistic", "statistics_group", "subject_group", "surbl", "surbl_group", "trie",
	"url_redirector", "whitelist", "whitelist_group", "worker-controller", "worker-fuzzy",
	"worker-normal", "worker-proxy", NULL};

static void check_file_name(const struct map_entry *e, struct errs *errs)
{
	const char *near = str_nearest(e->key.p, local_files);
	if (near && strcmp(near, e->key.p) == 0)
		return;
	errs_warn(errs, entry_pos(e), "no part of rspamd 3.4 reads local.d/%s%s%s%s", e->key.p,
		near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static bool number_of(const struct value *v, double *out)
{
	if (v && v->type == VALUE_INT)
		*out = (double)v->i;
	else if (v && v->type == VALUE_FLOAT)
		*out = v->f;
	else
		return false;
	return true;
}

static bool is_number(const struct value *v)
{
	double ignored;
	char *end = NULL;
	if (v->type != VALUE_STR)
		return number_of(v, &ignored);
	strtod(v->s.p, &end);
	return v->s.n && !*end;
}

/* rspamd takes an action whose score is not a number for one without a score, and turns it off. */
static void check_actions(const struct value *actions, struct errs *errs)
{
	static const char *const names[] = {
		"reject", "add_header", "rewrite_subject", "greylist", "soft_reject", NULL};
	for (size_t i = 0; names[i]; i++) {
		const struct value *v = map_at(actions, names[i]);
		if (v && v->type != VALUE_NULL && v->type != VALUE_UNKNOWN &&
			v->type != VALUE_MAP && !is_number(v))
			errs_add(errs, v->pos, "mail.rspamd.actions.%s must be a number, or null",
				names[i]);
	}
}

static void check_rspamd(const struct value *files, struct errs *errs)
{
	for (size_t i = 0; files && i < files->map.n; i++) {
		const struct map_entry *e = &files->map.e[i];
		if (!setting_name(e->key))
			errs_add(errs, entry_pos(e),
				"'%s' is not a file name of rspamd's local.d; write it without "
				".conf or .inc",
				e->key.p);
		else
			check_file_name(e, errs);
		if (e->value->type != VALUE_MAP && e->value->type != VALUE_UNKNOWN)
			errs_add(errs, e->value->pos,
				"mail.rspamd.%s must be a map of settings, not %s", e->key.p,
				value_type_name(e->value));
	}
	const struct value *actions = files ? map_typed(files, "actions", VALUE_MAP) : NULL;
	if (actions)
		check_actions(actions, errs);
}

static bool one_line(const struct value *v)
{
	if (v->type == VALUE_STR)
		return !strpbrk(v->s.p, "\r\n");
	return v->type != VALUE_MAP && v->type != VALUE_LIST;
}

static bool option_ok(const struct value *v)
{
	if (v->type != VALUE_LIST)
		return one_line(v);
	for (size_t i = 0; i < v->list.n; i++)
		if (!one_line(v->list.v[i]))
			return false;
	return true;
}

static void check_score(const struct value *v, const char *key, struct errs *errs)
{
	double ignored;
	if (v && v->type != VALUE_NULL && v->type != VALUE_UNKNOWN && !number_of(v, &ignored))
		errs_add(errs, v->pos, "mail.spamassassin.%s must be a number", key);
}

/* Channels: domain -> the public key, as text, that signs its updates. */
static void check_channels(const struct value *channels, struct errs *errs)
{
	if (channels->type != VALUE_MAP && channels->type != VALUE_UNKNOWN)
		errs_add(errs, channels->pos,
			"mail.spamassassin.channels must be a map of domains with their public "
			"keys");
	for (size_t i = 0; channels->type == VALUE_MAP && i < channels->map.n; i++) {
		const struct map_entry *e = &channels->map.e[i];
		if (!mail_fqdn(e->key))
			errs_add(errs, entry_pos(e), "the channel '%s' is not a domain name",
				e->key.p);
		if (e->value->type == VALUE_UNKNOWN)
			continue;
		if (e->value->type != VALUE_STR ||
			!strstr(e->value->s.p, "-----BEGIN PGP PUBLIC KEY BLOCK-----"))
			errs_add(errs, e->value->pos,
				"the channel '%s' needs the public key that signs its rules, as "
				"ASCII armor, such as \"{{ lookup('file', 'channel.asc') }}\"",
				e->key.p);
	}
}

static void check_spamassassin(const struct mail_spamassassin *options, struct errs *errs)
{
	double required = 5.0, gone;
	for (size_t i = 0; options->map && i < options->map->map.n; i++) {
		const struct map_entry *e = &options->map->map.e[i];
		if (e == options->channels)
			check_channels(e->value, errs);
		else if (!setting_name(e->key))
			errs_add(errs, entry_pos(e), "'%s' is not an option of SpamAssassin",
				e->key.p);
		else if (!option_ok(e->value))
			errs_add(errs, e->value->pos,
				"mail.spamassassin.%s must be one line, or a list of lines",
				e->key.p);
	}
	check_score(options->required_score, "required_score", errs);
	check_score(options->delete_score, "delete_score", errs);
	number_of(options->required_score, &required);
	if (number_of(options->delete_score, &gone) && gone < required)
		errs_add(errs, options->delete_score->pos,
			"delete_score is below required_score: mail that is not spam would be "
			"discarded");
}

/* ---- traps ---- */

static void check_trap(
	struct arena *a, struct mail_text trap, const struct mail_routes *r, struct errs *errs)
{
	const char *at = trap.s.p ? strchr(trap.s.p, '@') : NULL;
	struct str address;
	if (mail_unknown(trap))
		return;
	if (!at || mail_local_wrong(str_dup(a, trap.s.p, (size_t)(at - trap.s.p)))) {
		errs_add(errs, mail_pos(trap),
			"a spam trap must be a whole address, such as trap@example.com");
		return;
	}
	address = mail_address(a, trap.s, str_c(""));
	if (!mail_routes_domain(r, str_c(strchr(address.p, '@') + 1)))
		errs_add(errs, mail_pos(trap), "spam trap '%s' is not in a hosted domain",
			address.p);
	else if (mail_routes_taken(r, address))
		errs_add(errs, mail_pos(trap),
			"spam trap '%s' is also a mailbox, an alias or a list; its mail would be "
			"learned as spam",
			address.p);
}

void mail_spam_rules(struct arena *a, const struct mail_state *mail,
	const struct mail_routes *routes, struct errs *errs)
{
	check_piggyback(mail, errs);
	check_rspamd(mail->rspamd, errs);
	check_spamassassin(&mail->spamassassin, errs);
	for (size_t i = 0; i < mail->spam_traps.n; i++)
		check_trap(a, mail_nth(&mail->spam_traps, i), routes, errs);
}
