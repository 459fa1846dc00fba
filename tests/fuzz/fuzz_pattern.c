/* Regular expressions of strangers: a pattern, then a text. A match ends, or is given up. */
#include <string.h>

#include "tests/fuzz/input.h"
#include "worker/document/ecma_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct fuzz_input part = input_part(&input);
	g_autofree char *source = NULL;
	g_autofree char *text = input_text(&input);
	g_autoptr(GError) error = NULL;
	struct ecma_pattern *pattern;
	gboolean matches;

	if (part.size > 0 && part.data[part.size - 1] == '\n')
		part.size--;
	source = input_text(&part);
	if (!g_utf8_validate(source, -1, NULL) || !g_utf8_validate(text, -1, NULL))
		return 0;
	pattern = ecma_pattern_new(source, &error);
	g_assert_true((pattern != NULL) == (error == NULL));
	if (!pattern)
		return 0;
	ecma_pattern_matches(pattern, text, &matches, NULL);
	ecma_pattern_free(pattern);
	return 0;
}
