#ifndef FORGE_JOURNAL_BASE_VALUE_H
#define FORGE_JOURNAL_BASE_VALUE_H

#include <glib.h>
#include <stdint.h>

#include "journal/base/scope.h"

enum value_kind {
	VALUE_NULL,
	VALUE_BOOLEAN,
	VALUE_INTEGER,
	VALUE_REAL,
	VALUE_STRING,
	VALUE_LIST,
	VALUE_MAP,
};

/**
 * A tree of what JSON and YAML can both say; read and written by document.h. A value owns its
 * children. Strings are UTF-8 without NUL bytes. Maps keep the order in which they were made.
 */
struct value;

/** New values. Strings are copied; items and members are owned by what they are put into. */
struct value *value_new_null(void);
struct value *value_new_boolean(gboolean boolean);
struct value *value_new_integer(int64_t integer);
struct value *value_new_real(double real);
struct value *value_new_string(const char *string); /**< bytes that are not UTF-8 become U+FFFD */
struct value *value_new_list(void);
struct value *value_new_map(void);
struct value *value_copy(const struct value *value);
void value_free(struct value *value);
SCOPED_POINTER(value, value_free)

enum value_kind value_kind(const struct value *value);

/** The line of its document on which VALUE begins, from 1; 0 for a value that a program made. */
unsigned value_line(const struct value *value);
void value_set_line(struct value *value, unsigned line);

/** Scalars. VALUE must be of that kind; a real may be asked of an integer too. */
gboolean value_boolean(const struct value *value);
int64_t value_integer(const struct value *value);
double value_real(const struct value *value);
const char *value_string(const struct value *value);

/**
 * A number as it was written without quotes (`1.10`, `0777`), where the language lets people leave
 * quotes out; NULL for anything else. A reader that wants text takes this rather than the number.
 */
const char *value_written(const struct value *value);
void value_set_written(struct value *value, const char *text);

/** Number of items of a list or members of a map; 0 for a scalar. */
size_t value_count(const struct value *value);

/** Item or member AT, below value_count(). Borrowed. */
const struct value *value_at(const struct value *value, size_t at);
const char *value_key_at(const struct value *map, size_t at);
unsigned value_key_line_at(const struct value *map, size_t at);

/** The member of MAP called KEY, or NULL. Borrowed. */
const struct value *value_get(const struct value *map, const char *key);

/** Appends to a list. */
void value_append_take(struct value *list, struct value *take_item);

/** Adds a member; FALSE (and the value freed) if MAP has that key. KEY_LINE as value_line(). */
gboolean value_add_take(
	struct value *map, const char *key, unsigned key_line, struct value *take_value);

/** Adds a member that is not there yet, or it is a defect. A string of NULL becomes a null. */
void value_put_take(struct value *map, const char *key, struct value *take_value);
void value_put_string(struct value *map, const char *key, const char *string);
/** As value_put_string(); an empty text becomes a null too. */
void value_put_text(struct value *map, const char *key, const char *text);
void value_put_integer(struct value *map, const char *key, int64_t integer);
void value_put_boolean(struct value *map, const char *key, gboolean boolean);

/** Puts TAKE_CHILD in the place of item or member AT, which is freed. */
void value_replace_take(struct value *value, size_t at, struct value *take_child);

/** Takes item or member AT out and frees it. */
void value_remove_at(struct value *value, size_t at);

/** Makes TAKE_ITEM item AT of a list, 0 up to and with its count; those behind move up. */
void value_insert_take(struct value *list, size_t at, struct value *take_item);

/** Item or member AT for changing. Borrowed. */
struct value *value_child_at(struct value *value, size_t at);

/** The place of the member called KEY in MAP, from 0; FALSE if there is none. */
gboolean value_find(const struct value *map, const char *key, size_t *at);

/** Same kinds and same contents, members in the same order; lines and spellings do not count. */
gboolean value_equal(const struct value *a, const struct value *b);

/** Puts INTEGER as a number, or as its digits where it is
 * beyond what JSON's readers take (2^63 and up). */
struct value *value_new_unsigned(uint64_t integer);

#endif
