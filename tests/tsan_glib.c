/*
 * GLib's locks and queues, as the thread sanitizer sees them: linked into the tests of `make tsan`
 * alone.
 *
 * GLib waits on futexes itself and is not built with the sanitizer, which therefore misses that a
 * GMutex or a GAsyncQueue orders two threads and reports every use of what they protect as a race.
 * Each function here stands in front of GLib's of the same name, calls it, and says what it has
 * ordered. Calls that GLib makes inside itself do not come by here, so each function that our
 * threads meet at is named.
 */
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

/* GLib's own function of this name. */
#define REAL(name) ((__typeof__(&(name)))(gintptr)dlsym(RTLD_NEXT, #name))

void(g_mutex_lock)(GMutex *mutex)
{
	REAL(g_mutex_lock)(mutex);
	__tsan_acquire(mutex);
}

gboolean(g_mutex_trylock)(GMutex *mutex)
{
	gboolean taken = REAL(g_mutex_trylock)(mutex);
	if (taken)
		__tsan_acquire(mutex);
	return taken;
}

void(g_mutex_unlock)(GMutex *mutex)
{
	__tsan_release(mutex);
	REAL(g_mutex_unlock)(mutex);
}

void(g_cond_wait)(GCond *cond, GMutex *mutex)
{
	__tsan_release(mutex);
	REAL(g_cond_wait)(cond, mutex);
	__tsan_acquire(mutex);
}

gboolean(g_cond_wait_until)(GCond *cond, GMutex *mutex, gint64 end_time)
{
	__tsan_release(mutex);
	gboolean signalled = REAL(g_cond_wait_until)(cond, mutex, end_time);
	__tsan_acquire(mutex);
	return signalled;
}

void(g_async_queue_push)(GAsyncQueue *queue, gpointer item)
{
	__tsan_release(queue);
	REAL(g_async_queue_push)(queue, item);
}

gpointer(g_async_queue_pop)(GAsyncQueue *queue)
{
	gpointer item = REAL(g_async_queue_pop)(queue);
	__tsan_acquire(queue);
	return item;
}

gpointer(g_async_queue_try_pop)(GAsyncQueue *queue)
{
	gpointer item = REAL(g_async_queue_try_pop)(queue);
	__tsan_acquire(queue);
	return item;
}

gpointer(g_async_queue_timeout_pop)(GAsyncQueue *queue, guint64 timeout_us)
{
	gpointer item = REAL(g_async_queue_timeout_pop)(queue, timeout_us);
	__tsan_acquire(queue);
	return item;
}

gboolean(g_once_init_enter)(volatile void *location)
{
	gboolean first = REAL(g_once_init_enter)(location);
	__tsan_acquire((void *)(gintptr)location);
	return first;
}

void(g_once_init_leave)(volatile void *location, gsize result)
{
	__tsan_release((void *)(gintptr)location);
	REAL(g_once_init_leave)(location, result);
}
