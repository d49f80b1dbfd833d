/* SPDX-License-Identifier: MIT
 *
 * Parses {% ... %} blocks into statements. The message for an unknown statement lists the known
 * ones.
 */
#include <string.h>
#include "jinja/parse.h"

static bool parse_body(struct parser *p, const char *const *ends, struct node **out);

static bool block_end(struct parser *p)
{
	return parse_expect(p, TOK_BLOCK_END, "at the end of the tag");
}

/* Is the next tag {% word %}, with one of `ends`? */
static bool at_end(const struct parser *p, const char *const *ends)
{
	if (p->t->kind != TOK_BLOCK_BEGIN || p->t[1].kind != TOK_NAME)
		return false;
	for (; ends && *ends; ends++)
		if (str_is(p->t[1].text, *ends))
			return true;
	return false;
}

/* Consumes "{% word", which is required. */
static bool take_end(struct parser *p, const char *word, struct pos begin)
{
	const char *const ends[] = {word, NULL};
	if (!at_end(p, ends))
		return err_at(p->e, begin, "this block has no end: '{%% %s %%}' is missing", word);
	p->t += 2;
	return true;
}

static struct node *plain_name(struct parser *p)
{
	if (!parse_is(p, TOK_NAME)) {
		parse_fail(p, "expected a name to assign to");
		return NULL;
	}
	struct node *n = parse_node(p, NODE_NAME);
	n->name = p->t->text;
	n->hash = hash64(n->name.p, n->name.n);
	static const char *const fixed[] = {"true", "false", "none", "True", "False", "None"};
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (str_is(n->name, fixed[i]))
			return parse_fail(p, "cannot assign to '%s'", fixed[i]), NULL;
	p->t++;
	return n;
}

/* a name, (targets), or, with attributes, name.attr */
static struct node *one_target(struct parser *p, bool attributes);

static struct node *parse_targets(struct parser *p, bool attributes)
{
	struct node *first = one_target(p, attributes);
	if (!first || !parse_is(p, TOK_COMMA))
		return first;
	struct node *n = parse_node(p, NODE_TUPLE);
	node_add(p->a, n, first);
	while (parse_take(p, TOK_COMMA)) {
		if (!parse_is(p, TOK_NAME) && !parse_is(p, TOK_LPAREN))
			break;
		if (parse_word(p, "in"))
			break;
		struct node *kid = one_target(p, attributes);
		if (!kid)
			return NULL;
		node_add(p->a, n, kid);
	}
	return n;
}

static struct node *one_target(struct parser *p, bool attributes)
{
	if (parse_take(p, TOK_LPAREN)) {
		if (++p->depth > JINJA_DEPTH)
			return parse_fail(p, "nested too deeply"), NULL;
		struct node *n = parse_targets(p, attributes);
		p->depth--;
		return n && parse_expect(p, TOK_RPAREN, "after the names") ? n : NULL;
	}
	struct node *n = plain_name(p);
	if (!n || !attributes || !parse_take(p, TOK_DOT))
		return n;
	if (!parse_is(p, TOK_NAME))
		return parse_fail(p, "expected a name after '.'"), NULL;
	struct node *attr = parse_node(p, NODE_ATTR);
	attr->left = n;
	attr->name = p->t++->text;
	return attr;
}

static struct node *parse_if(struct parser *p, struct node *n)
{
	static const char *const ends[] = {"elif", "else", "endif", NULL};
	if (!(n->left = parse_tuple(p, false)) || !block_end(p))
		return NULL;
	p->conditional++;
	bool ok = parse_body(p, ends, &n->body);
	if (ok && at_end(p, (const char *const[]){"elif", NULL})) {
		p->t++;
		n->flag = true;
		n->orelse = parse_node(p, NODE_IF);
		p->t++;
		ok = ++p->depth <= JINJA_DEPTH * 5 ? parse_if(p, n->orelse) != NULL
						   : parse_fail(p, "too many elif");
		p->depth--;
		p->conditional--;
		return ok ? n : NULL; /* the inner `if` has consumed the endif */
	}
	if (ok && at_end(p, (const char *const[]){"else", NULL})) {
		p->t += 2;
		ok = block_end(p) && parse_body(p, ends + 2, &n->orelse);
	}
	p->conditional--;
	return ok && take_end(p, "endif", n->pos) && block_end(p) ? n : NULL;
}

static struct node *parse_for(struct parser *p, struct node *n)
{
	static const char *const ends[] = {"else", "endfor", NULL};
	if (!(n->left = parse_targets(p, false)))
		return NULL;
	if (!parse_take_word(p, "in"))
		return parse_fail(p, "expected 'in' after the loop's variable"), NULL;
	if (!(n->right = parse_tuple(p, false)))
		return NULL;
	if (parse_take_word(p, "if") && !(n->third = parse_expr(p)))
		return NULL;
	n->flag = parse_take_word(p, "recursive");
	p->loops++;
	bool ok = block_end(p) && parse_body(p, ends, &n->body);
	p->loops--;
	if (!ok)
		return NULL;
	if (at_end(p, (const char *const[]){"else", NULL})) {
		p->t += 2;
		if (!block_end(p) || !parse_body(p, ends + 1, &n->orelse))
			return NULL;
	}
	return take_end(p, "endfor", n->pos) && block_end(p) ? n : NULL;
}

static struct node *parse_set(struct parser *p, struct node *n)
{
	static const char *const ends[] = {"endset", NULL};
	if (!(n->left = parse_targets(p, true)))
		return NULL;
	if (parse_take(p, TOK_ASSIGN)) {
		n->right = parse_tuple(p, true);
		return n->right && block_end(p) ? n : NULL;
	}
	n->kind = NODE_SET_BLOCK;
	if (parse_is(p, TOK_PIPE)) {
		n->right = parse_filters(p, parse_node(p, NODE_CONST));
		if (!n->right)
			return NULL;
	}
	if (!parse_expect(p, TOK_BLOCK_END, "or '=' after the name"))
		return NULL;
	if (!parse_body(p, ends, &n->body) || !take_end(p, "endset", n->pos) || !block_end(p))
		return NULL;
	return n;
}

enum { MACRO_PARAMS = 64 };

/* "(a, b=1)" */
static bool parse_signature(struct parser *p, struct macro *m)
{
	m->param = ARENA_ARRAY(p->a, struct str, MACRO_PARAMS);
	m->hash = ARENA_ARRAY(p->a, uint64_t, MACRO_PARAMS);
	m->dflt = ARENA_ARRAY(p->a, struct node *, MACRO_PARAMS);
	if (!parse_expect(p, TOK_LPAREN, "before the parameters"))
		return false;
	while (!parse_is(p, TOK_RPAREN)) {
		if (m->n == MACRO_PARAMS)
			return parse_fail(p, "too many parameters");
		struct node *name = plain_name(p);
		if (!name)
			return false;
		m->param[m->n] = name->name;
		m->hash[m->n] = name->hash;
		if (parse_take(p, TOK_ASSIGN) && !(m->dflt[m->n] = parse_expr(p)))
			return false;
		m->n++;
		if (!parse_take(p, TOK_COMMA))
			break;
	}
	return parse_expect(p, TOK_RPAREN, "after the parameters");
}

static struct node *parse_macro(struct parser *p, struct node *n)
{
	static const char *const ends[] = {"endmacro", NULL};
	struct node *name = plain_name(p);
	if (!name)
		return NULL;
	n->macro = ARENA_NEW(p->a, struct macro);
	n->macro->name = n->name = name->name;
	n->hash = name->hash;
	int loops = p->loops;
	p->loops = 0;
	bool ok = parse_signature(p, n->macro) && block_end(p) &&
		  parse_body(p, ends, &n->macro->body);
	p->loops = loops;
	return ok && take_end(p, "endmacro", n->pos) && block_end(p) ? n : NULL;
}

static struct node *parse_call_block(struct parser *p, struct node *n)
{
	static const char *const ends[] = {"endcall", NULL};
	n->macro = ARENA_NEW(p->a, struct macro);
	n->macro->name = str_c("caller");
	if (parse_is(p, TOK_LPAREN) && !parse_signature(p, n->macro))
		return NULL;
	if (!(n->left = parse_expr(p)))
		return NULL;
	if (n->left->kind != NODE_CALL)
		return parse_fail(p, "expected a macro's call, as in {%% call name() %%}"), NULL;
	int loops = p->loops;
	p->loops = 0;
	bool ok = block_end(p) && parse_body(p, ends, &n->macro->body);
	p->loops = loops;
	return ok && take_end(p, "endcall", n->pos) && block_end(p) ? n : NULL;
}

static struct node *parse_filter_block(struct parser *p, struct node *n)
{
	static const char *const ends[] = {"endfilter", NULL};
	n->right = parse_filter_named(p, parse_node(p, NODE_CONST));
	if (!n->right || !(n->right = parse_filters(p, n->right)) || !block_end(p))
		return NULL;
	if (!parse_body(p, ends, &n->body) || !take_end(p, "endfilter", n->pos))
		return NULL;
	return block_end(p) ? n : NULL;
}

static struct node *parse_include(struct parser *p, struct node *n)
{
	if (!(n->left = parse_expr(p)))
		return NULL;
	if (parse_take_word(p, "ignore")) {
		if (!parse_take_word(p, "missing"))
			return parse_fail(p, "expected 'missing' after 'ignore'"), NULL;
		n->flag = true;
	}
	n->op = TOK_IN; /* with the context */
	if (parse_word(p, "without") || parse_word(p, "with")) {
		if (parse_word(p, "without"))
			n->op = TOK_NOT_IN;
		p->t++;
		if (!parse_take_word(p, "context"))
			return parse_fail(p, "expected 'context'"), NULL;
	}
	return block_end(p) ? n : NULL;
}

static struct node *parse_with(struct parser *p, struct node *n)
{
	static const char *const ends[] = {"endwith", NULL};
	while (!parse_is(p, TOK_BLOCK_END)) {
		struct node *target = parse_targets(p, false);
		if (!target || !parse_expect(p, TOK_ASSIGN, "after the name"))
			return NULL;
		struct node *value = parse_expr(p);
		if (!value)
			return NULL;
		node_add(p->a, n, target);
		node_add(p->a, n, value);
		if (!parse_take(p, TOK_COMMA))
			break;
	}
	if (!block_end(p) || !parse_body(p, ends, &n->body) || !take_end(p, "endwith", n->pos))
		return NULL;
	return block_end(p) ? n : NULL;
}

static struct node *parse_do(struct parser *p, struct node *n)
{
	n->left = parse_tuple(p, true);
	return n->left && block_end(p) ? n : NULL;
}

static struct node *parse_break(struct parser *p, struct node *n)
{
	if (!p->loops)
		return err_at(p->e, n->pos, "this statement is only allowed in a loop"), NULL;
	return block_end(p) ? n : NULL;
}

static const struct {
	const char *name;
	enum node_kind kind;
	struct node *(*parse)(struct parser *p, struct node *n);
} statements[] = {
	{"if", NODE_IF, parse_if},
	{"for", NODE_FOR, parse_for},
	{"set", NODE_SET, parse_set},
	{"macro", NODE_MACRO, parse_macro},
	{"call", NODE_CALL_BLOCK, parse_call_block},
	{"filter", NODE_FILTER_BLOCK, parse_filter_block},
	{"include", NODE_INCLUDE, parse_include},
	{"with", NODE_WITH, parse_with},
	{"do", NODE_DO, parse_do},
	{"break", NODE_BREAK, parse_break},
	{"continue", NODE_CONTINUE, parse_break},
};

#define STATEMENTS "if, for, set, macro, call, filter, include, with, do, raw, break and continue"

static struct node *unknown_statement(struct parser *p, struct pos pos)
{
	static const char *const refused[] = {
		"block", "extends", "import", "from", "autoescape", "trans"};
	struct str name = p->t->text;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (str_is(name, refused[i])) {
			err_at(p->e, pos,
				"the statement '%s' is not supported; there are " STATEMENTS,
				refused[i]);
			return NULL;
		}
	if (str_starts(name, "end") || str_is(name, "else") || str_is(name, "elif"))
		err_at(p->e, pos, "unexpected '" STR_FMT "': no block of its kind is open here",
			STR_ARG(name));
	else
		err_at(p->e, pos, "unknown statement '" STR_FMT "'; there are " STATEMENTS,
			STR_ARG(name));
	return NULL;
}

static struct node *parse_statement(struct parser *p)
{
	struct pos pos = p->t++->pos; /* {% */
	if (!parse_is(p, TOK_NAME)) {
		parse_fail(p, "expected a statement after '{%%'; there are " STATEMENTS);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		if (!parse_word(p, statements[i].name))
			continue;
		struct node *n = parse_node(p, statements[i].kind);
		p->t++;
		if (++p->depth > JINJA_DEPTH)
			return parse_fail(p, "blocks are nested more than %d deep", JINJA_DEPTH),
			       NULL;
		n = statements[i].parse(p, n);
		p->depth--;
		return n;
	}
	return unknown_statement(p, pos);
}

static struct node *parse_print(struct parser *p)
{
	struct node *n = parse_node(p, NODE_PRINT);
	p->t++;
	if (parse_is(p, TOK_PRINT_END))
		return parse_fail(p, "an empty expression"), NULL;
	n->left = parse_tuple(p, true);
	return n->left && parse_expect(p, TOK_PRINT_END, "after the expression") ? n : NULL;
}

static bool parse_body(struct parser *p, const char *const *ends, struct node **out)
{
	struct node **last = out;
	*out = NULL;
	while (!parse_is(p, TOK_END) && !at_end(p, ends)) {
		struct node *n;
		if (parse_is(p, TOK_DATA)) {
			n = parse_node(p, NODE_TEXT);
			n->name = p->t++->text;
		} else if (parse_is(p, TOK_PRINT_BEGIN)) {
			n = parse_print(p);
		} else {
			n = parse_statement(p);
		}
		if (!n)
			return false;
		*last = n;
		last = &n->next;
	}
	return true;
}

bool jinja_parse(struct arena *a, const struct tokens *t, struct node **out, struct err *e)
{
	struct parser p = {.a = a, .t = t->v, .e = e};
	return parse_body(&p, NULL, out);
}
