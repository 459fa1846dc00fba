#ifndef FORGE_QUEUE_PROTOCOL_H
#define FORGE_QUEUE_PROTOCOL_H

/** Version of messages.proto that this build speaks; a hello with another one is refused. */
#define PROTOCOL_VERSION 1

#endif
