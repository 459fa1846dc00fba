#ifndef FORGE_CLI_SERVICE_H
#define FORGE_CLI_SERVICE_H

#include <glib.h>

#include "journal/base/scope.h"

/**
 * What a daemon tells the service manager that started it (sd_notify(3): datagrams to
 * $NOTIFY_SOCKET). Without one everything here does nothing. Any thread may use it, the functions
 * about turns one thread only.
 */
struct service;

/** Takes NOTIFY_SOCKET and the watchdog's variables out of the environment, so that children do not
 * speak for this process: to be called before there are threads. */
struct service *service_new(void);
void service_free(struct service *service);
SCOPED_POINTER(service, service_free)

/** It is ready, and STATUS is what it does, for people. */
void service_ready(struct service *service, const char *status);

/** It reads its configuration anew, and has done so. */
void service_reloading(struct service *service);
void service_reloaded(struct service *service);

/** It has been told to stop. */
void service_stopping(struct service *service, const char *status);

/** The loop goes round: the watchdog is told, as often as it needs. */
void service_turned(struct service *service);

/** The same for a worker: ready once the scheduler has welcomed it (JOINED); later changes are
 * told too. */
void service_worker_turned(struct service *service, gboolean joined);

#endif
