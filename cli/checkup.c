/*
 * The list that `forge doctor` makes: a line a check for people, an object a check for machines.
 */
#include "cli/checkup.h"

#include <stdarg.h>

#include "cli/output.h"
#include "journal/base/errors.h"

struct checkup {
	const struct invocation *invocation;
	struct value *checks;
	gboolean bad;
};

struct checkup *checkup_new(const struct invocation *invocation)
{
	struct checkup *checkup = g_new0(struct checkup, 1);

	checkup->invocation = invocation;
	checkup->checks = value_new_list();
	return checkup;
}

void checkup_free(struct checkup *checkup)
{
	if (!checkup)
		return;
	value_free(checkup->checks);
	g_free(checkup);
}

static void add(struct checkup *checkup, const char *name, gboolean good, const char *says,
	const char *hint)
{
	struct value *check = value_new_map();
	g_autofree char *line = NULL;
	g_autofree char *printable = NULL;

	value_put_string(check, "check", name);
	value_put_boolean(check, "good", good);
	value_put_string(check, "message", says);
	value_put_string(check, "hint", hint);
	value_append_take(checkup->checks, check);
	line = g_strdup_printf("%s %s: %s", good ? "✓" : "✗", name, says);
	printable = text_printable(line);
	output_marked(checkup->invocation, printable);
	if (hint)
		output_line(checkup->invocation, "    hint: %s", hint);
}

void checkup_good(struct checkup *checkup, const char *name, const char *says, ...)
{
	va_list arguments;
	g_autofree char *text = NULL;

	va_start(arguments, says);
	text = g_strdup_vprintf(says, arguments);
	va_end(arguments);
	add(checkup, name, TRUE, text, NULL);
}

void checkup_bad(struct checkup *checkup, const char *name, const char *hint, const char *says, ...)
{
	va_list arguments;
	g_autofree char *text = NULL;

	va_start(arguments, says);
	text = g_strdup_vprintf(says, arguments);
	va_end(arguments);
	checkup->bad = TRUE;
	add(checkup, name, FALSE, text, hint);
}

void checkup_bad_error(struct checkup *checkup, const char *name, const GError *problem)
{
	checkup_bad(
		checkup, name, forge_error_hint(forge_error_code(problem)), "%s", problem->message);
}

int checkup_finish(struct checkup *checkup)
{
	if (checkup->invocation->format == OUTPUT_JSONL) {
		output_rows(checkup->invocation, "checks", checkup->checks);
	} else {
		scoped(value) object = value_new_map();

		value_put_boolean(object, "good", !checkup->bad);
		value_put_take(object, "checks", value_copy(checkup->checks));
		output_value(checkup->invocation, object);
	}
	return checkup->bad ? 1 : 0;
}
