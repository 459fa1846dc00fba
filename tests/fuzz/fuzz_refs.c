/*
 * What git servers answer about their refs. The first byte says which answer the rest is. Names
 * that come out begin with what was asked for, and packets never reach past the end.
 */
#include <string.h>

#include "tests/fuzz/input.h"
#include "worker/git/pkt_line.h"
#include "worker/remote/ref_listing.h"

static const char *const prefixes[] = {"HEAD", "refs/heads/", "refs/tags/v", NULL};

static void check(const struct ref_listing *listing)
{
	for (guint i = 0; i < listing->refs->len; i++) {
		const struct advertised_ref *ref = listing->refs->pdata[i];
		gboolean asked = FALSE;

		for (size_t k = 0; prefixes[k]; k++)
			asked = asked || g_str_has_prefix(ref->name, prefixes[k]);
		g_assert_true(asked);
		g_assert_nonnull(ref_listing_find(listing, ref->name));
	}
}

static void read_packets(const char *bytes, size_t size)
{
	struct pkt_reader reader = {bytes, size, 0};
	struct pkt pkt;

	while (pkt_read(&reader, &pkt, NULL)) {
		g_assert_cmpuint(reader.offset, <=, size);
		if (pkt.kind == PKT_DATA && pkt.size > 0)
			g_assert_true(pkt.text >= bytes && pkt.text + pkt.size <= bytes + size);
		pkt_has_prefix(&pkt, "ref-prefix ", NULL, NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct remote remote = {.kind = REMOTE_HTTP, .shown = (char *)"host/owner/name"};
	struct fuzz_input input = {data, size};
	uint8_t how = input_byte(&input);
	g_autofree char *bytes = input_exact(&input);
	g_autoptr(GError) error = NULL;
	struct ref_capabilities capabilities;
	scoped(ref_listing) listing = NULL;

	input_start_git();
	switch (how) {
	case '0':
		listing = ref_listing_parse_v0(bytes, input.size, prefixes, &remote, &error);
		break;
	case '2':
		listing = ref_listing_parse_v2(bytes, input.size, prefixes, &remote, &error);
		break;
	case 'c':
		ref_capabilities_parse(bytes, input.size, &remote, &capabilities, NULL);
		return 0;
	default:
		read_packets(bytes, input.size);
		return 0;
	}
	g_assert_true((listing != NULL) == (error == NULL));
	if (listing)
		check(listing);
	return 0;
}
