/*
 * The order of git's string maps.
 *
 * git keeps directories whose reading it puts off, and counts of where a directory's files went, in
 * hash maps, and goes through them in the order of their buckets. It is a fixed order: FNV-1 over
 * the bytes, 64 buckets at first, four times as many when four fifths are used, new entries in
 * front of their bucket's list. Whoever wants the same choice between equal candidates needs the
 * same order.
 */
#include "worker/git/name_order.h"

#include <stdint.h>

#define FIRST_BUCKETS 64u
#define GROWTH_BITS 2

static uint32_t fnv1(const char *name)
{
	uint32_t hash = 0x811c9dc5u;

	for (; *name != '\0'; name++)
		hash = (hash * 0x01000193u) ^ (unsigned char)*name;
	return hash;
}

struct bucket_link {
	const char *name;
	uint32_t hash;
	struct bucket_link *next;
};

static void push(struct bucket_link **buckets, size_t n_buckets, struct bucket_link *link)
{
	struct bucket_link **bucket = &buckets[link->hash & (n_buckets - 1)];

	link->next = *bucket;
	*bucket = link;
}

void name_order_sort(GPtrArray *names)
{
	g_autofree struct bucket_link *links = g_new(struct bucket_link, names->len);
	size_t n_buckets = FIRST_BUCKETS;
	struct bucket_link **buckets = g_new0(struct bucket_link *, n_buckets);

	for (size_t i = 0; i < names->len; i++) {
		links[i].name = names->pdata[i];
		links[i].hash = fnv1(links[i].name);
		push(buckets, n_buckets, &links[i]);
		if (i + 1 <= n_buckets * 80 / 100)
			continue;
		size_t n_wider = n_buckets << GROWTH_BITS;
		struct bucket_link **wider = g_new0(struct bucket_link *, n_wider);
		for (size_t b = 0; b < n_buckets; b++)
			for (struct bucket_link *link = buckets[b], *next; link != NULL;
				link = next) {
				next = link->next;
				push(wider, n_wider, link);
			}
		g_free(buckets);
		buckets = wider;
		n_buckets = n_wider;
	}
	g_ptr_array_set_size(names, 0);
	for (size_t b = 0; b < n_buckets; b++)
		for (const struct bucket_link *link = buckets[b]; link != NULL; link = link->next)
			g_ptr_array_add(names, (gpointer)link->name);
	g_free(buckets);
}
