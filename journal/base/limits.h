#ifndef FORGE_JOURNAL_BASE_LIMITS_H
#define FORGE_JOURNAL_BASE_LIMITS_H

/*
 * Every bound in one place, each with its reason. A buffer, list, depth, retry or wait that has no
 * name here is unbounded, which is a defect.
 */

/* The journal: the largest sizes that every backend takes
 * (a replicated log refuses messages over 1 MiB). */
#define LIMIT_ENTRY_BYTES (256 * 1024)
#define LIMIT_RECORD_BYTES (768 * 1024)

/* Room on the disk without which a journal is not opened for writing. */
#define LIMIT_JOURNAL_FREE_BYTES (4 * 1024 * 1024)

/* A checkpoint holds the whole state in memory once more: 5
 * million jobs at some 60 bytes, their texts, and room. */
#define LIMIT_CHECKPOINT_BYTES (2LL * 1024 * 1024 * 1024)

/* After an unclean stop so many events before the mark are checked again, and all behind it: about
 * half a second. What is older has been checked at earlier openings, and again by every reader. */
#define LIMIT_LOOK_EVENTS 1000000

/* A base is the state in the journal itself, in events of so many bytes: some of them make a record,
 * and each is an entry of its own with room for what surrounds it. */
#define LIMIT_BASE_CHUNK_BYTES (192 * 1024)
#define LIMIT_BASE_CHUNKS_PER_RECORD 3

/* An import gathers so many bytes for an entry, and for a record: one event may be as large as an
 * entry, so both limits of the journal hold whatever comes last. */
#define LIMIT_IMPORT_ENTRY_BYTES (128 * 1024)
#define LIMIT_IMPORT_RECORD_BYTES (256 * 1024)

/* A reader beside a live writer may find a file gone that
 * the writer has just replaced; it looks again so often. */
#define LIMIT_LOOK_TRIES 20

/* The mark is synced at most so often: what a power cut can
 * take from a check, never from the journal. */
#define LIMIT_MARK_SYNC_MS 100

/* The wire: one message carries at most one page or one
 * grant, so a peer never needs more memory than this. */
#define LIMIT_MESSAGE_BYTES (1024 * 1024)
#define LIMIT_EVENTS_PAGE_BYTES (256 * 1024)
#define LIMIT_ROWS_PAGE 500
#define LIMIT_EVENTS_LOOKED_AT 200000
#define LIMIT_TAIL_WAIT_MS 30000
#define LIMIT_WAITING_TAILS 10000
#define LIMIT_TAIL_QUESTIONS 10000
#define LIMIT_SOCKET_MESSAGES 100000
#define LIMIT_LINGER_MS 500
#define LIMIT_HANDSHAKE_MS 3000
#define LIMIT_BACKLOG 64 /* of those the kernel accepts before ZeroMQ does */
#define LIMIT_RECONNECT_MS 50
#define LIMIT_ENDPOINT_BYTES 256

/* Fields of a request, those within its messages too, and how deep these lie. Whatever is small enough
 * to be recorded (half an entry) has fewer: a field takes two bytes at least. */
#define LIMIT_REQUEST_FIELDS (LIMIT_ENTRY_BYTES / 4)
#define LIMIT_REQUEST_DEPTH 16

/*
 * One peer of a listening socket. What it sends and nobody has looked at yet: as many messages as
 * keep a peer busy that sends one after the other; then its connection is not read. What it has not
 * read: a few pages of events, and small messages by number, at least what one turn may answer it.
 */
#define LIMIT_PEER_UNREAD_MESSAGES 64
#define LIMIT_PEER_UNSENT_MESSAGES 4096
#define LIMIT_PEER_UNSENT_BYTES (4 * 1024 * 1024)
#define LIMIT_SMALL_MESSAGE_BYTES 1024

/*
 * Connections of a listening socket: each worker has one, and so have commands. Fewer if the process
 * may not have so many descriptors open, of which it keeps some for its journal. Peers that ask to
 * come in are answered so many at a time, between messages.
 */
#define LIMIT_CONNECTIONS 12000
#define LIMIT_CONNECTIONS_LEAST 16
#define LIMIT_DESCRIPTORS_KEPT 512
#define LIMIT_KNOCKS_PER_WAIT 64

/* The list of those who may use a scheduler, and old key pairs that are kept beside the new one. */
#define LIMIT_KEYS 10000
#define LIMIT_KEYS_ASIDE 1000

/* Events in one JSON or YAML document, which is made whole before it is written. */
#define LIMIT_DOCUMENT_EVENTS 100000

/* A batch grows by this many targets an event, so that one event always fits an entry. */
#define LIMIT_TARGETS_PER_EXTENSION 1000
#define LIMIT_NOOPS_PER_EXTENSION 50000
/* A batch of so few has its jobs in the entry that opens it: their names, twice, take a sixth of
 * what an entry may have. */
#define LIMIT_TARGETS_AT_OPENING 100
#define LIMIT_TARGETS_PER_REQUEST 2000
#define LIMIT_TARGETS_PER_BATCH 2000000

/* Names and texts that people choose. */
#define LIMIT_NAME_BYTES 200
#define LIMIT_URL_BYTES 2000
#define LIMIT_BRANCH_PATTERNS 100
#define LIMIT_BRANCHES_PER_FORK 1000
#define LIMIT_ERROR_TEXT_BYTES 1000

/* Backups of one branch on a fork's server: a tip that was overwritten is kept while it is among
 * the newest so many, and for so many days in any case. So many are deleted at once: a push names
 * each.
 */
#define LIMIT_BACKUPS_KEPT 10
#define LIMIT_BACKUP_DAYS 90
#define LIMIT_BACKUPS_DELETED 100

/* Commits of a fork's own that a rebase replays: each is a merge of trees, and a fork with more is
 * better merged. Commits that upstream has beyond them, each of which is looked at for the same
 * patch: a second or two for each ten thousand. */
#define LIMIT_REPLAYED_COMMITS 1000
#define LIMIT_REPLAY_UPSTREAM_COMMITS 100000

/* Tags that one sync adds to a fork: each is announced on its own (some 150 bytes of what a retry
 * is told), and all travel in one push. Few repositories have more; the next sync goes on. So many
 * are named in an error. */
#define LIMIT_TAGS_PER_SYNC 2000
#define LIMIT_TAGS_NAMED 5

/* An event names so many conflict paths; the count is always whole. */
#define LIMIT_CONFLICT_PATHS 100

/* What a pull tells of itself: where a conflict is, or which rule settled it, in so many bytes; all
 * of it in half of what a report may have, so that how the component stands fits beside it.
 */
#define LIMIT_PLACE_BYTES 1000
#define LIMIT_PULL_FACT_BYTES (LIMIT_ENTRY_BYTES / 4)

/* Facts of one report; a fork with more branches than fit reports them in several. */
#define LIMIT_FACTS_PER_REPORT 64
#define LIMIT_NOTED_BYTES (32 * 1024)

/* Scheduling: jobs in one grant, events in one decision (so that it fits an entry), inputs and
 * bytes in one turn (a turn is one record and one sync of the disk). */
#define LIMIT_JOBS_PER_GRANT 64
/* What a grant says of one job's earlier attempts: the rest of a message is for its fork and its
 * arguments, whose patterns and addresses have some 50 KB. */
#define LIMIT_GRANTED_PROGRESS_BYTES (768 * 1024)
#define LIMIT_EVENTS_PER_DECISION 1000
#define LIMIT_INPUTS_PER_TURN 1024
/* Packed, of those held at once; unpacked some take many times as much. */
#define LIMIT_INPUT_BYTES LIMIT_MESSAGE_BYTES
#define LIMIT_TURN_BYTES (LIMIT_RECORD_BYTES - LIMIT_ENTRY_BYTES)
#define LIMIT_QUEUED_JOBS 5000000
#define LIMIT_SESSIONS 10000
#define LIMIT_WORKER_SLOTS 1024

/* Closed batches stay listed, and their request ids known,
 * for so many; older ones are found in the journal. */
#define LIMIT_CLOSED_BATCHES 1000

/* Requests to remove a fork are known for so many removals:
 * far longer than a client goes on asking. */
#define LIMIT_KNOWN_REMOVALS 1000

/* Leases run on the monotonic clock; a worker that misses two heartbeats is asked nothing more. */
#define LIMIT_HEARTBEAT_MS 1000
#define LIMIT_LEASE_MS 15000
#define LIMIT_MISSED_HEARTBEATS 2
#define LIMIT_HELLO_MS 250

/* A peer that holds no session and says nothing for so long
 * is forgotten: it may have been killed. */
#define LIMIT_PEER_SILENCE_MS 60000

/* Of so many peers most come and go without a word, and are forgotten after a heartbeat's time; one
 * that speaks again says hello. */
#define LIMIT_PEERS (2 * LIMIT_CONNECTIONS)

/* So many failed appends in a row end a scheduler: the disk is full or broken, and those who wait
 * should hear of it. */
#define LIMIT_APPEND_FAILURES 3

/* A worker that was refused asks again: there may be room, or another
 * scheduler, by then. One that leaves waits so long to hear that this
 * is recorded; if it does not, its leases end a little later. */
#define LIMIT_REFUSED_MS 2000
#define LIMIT_GOODBYE_MS 1000

/* A client asks again after so long without an answer, and gives up after so long without a word:
 * an embedded scheduler may have a journal to replay first. */
#define LIMIT_ANSWER_MS 3000
#define LIMIT_DAEMON_PATIENCE_MS 3000
#define LIMIT_EMBED_PATIENCE_MS 60000

/* How soon a command notices that the host of its journal is gone. */
#define LIMIT_TAKEOVER_MS 100

/* How long a stopping worker lets running jobs go on before
 * it hands them back, and then waits for their threads. */
#define LIMIT_DRAIN_MS 20000
#define LIMIT_STOP_MS 10000
#define LIMIT_BUDGET_STEP_MS 20

/* How often an embedded scheduler looks whether the processes that own jobs still run. */
#define LIMIT_OWNER_CHECK_MS 250

/* Events between checkpoints, and the fewest that are worth one at the end. Between large ones
 * there are more: an event for so many bytes, or copying a large state again and again would take
 * more time than the events that change it. */
#define LIMIT_EVENTS_PER_CHECKPOINT 200000
#define LIMIT_CHECKPOINT_BYTES_PER_EVENT 32
#define LIMIT_EVENTS_BEFORE_LAST_CHECKPOINT 2000

/* Attempts of one job, and the waits between them: the first, which doubles, the last, and the
 * longest for a host. */
#define LIMIT_ATTEMPTS 5
#define LIMIT_LOOKS 2 /* of a job that only looks, while somebody waits */
#define LIMIT_RETRY_FIRST_MS 500
#define LIMIT_RETRY_LAST_MS 60000
#define LIMIT_RETRY_AFTER_MS (60 * 60 * 1000)

/* Pushes that lost a race within one attempt of a job: each is made anew on what won. Whoever loses
 * so often waits with the next attempt. */
#define LIMIT_PUSH_RACES 5

/* The message of a commit that is pushed: it travels with every grant of the job. */
#define LIMIT_PUSH_MESSAGE_BYTES (16 * 1024)

/* Workers that may end while they hold a job before the job
 * itself is suspected. Many, since people kill commands. */
#define LIMIT_LOST_LEASES 50

/*
 * Network: connecting, a transfer that moves nothing, one whole request. No rate in bytes a second:
 * while git works on the server it sends five bytes every five seconds to show that it lives.
 */
#define LIMIT_CONNECT_MS 10000
#define LIMIT_LOW_SPEED_MS 30000
#define LIMIT_REQUEST_MS (15 * 60 * 1000)
#define LIMIT_REFS_PER_REPOSITORY 200000
#define LIMIT_REF_NAME_BYTES 4096
#define LIMIT_REF_LISTING_BYTES (64 * 1024 * 1024)
#define LIMIT_CREDENTIAL_TRIES 2
#define LIMIT_CREDENTIALS 1000 /* of hosts, kept in memory by one worker */
#define LIMIT_CREDENTIAL_BYTES 16384

/*
 * HTTP. A wait is never longer than a turn, so that a cancelled job ends soon. A body up to the
 * first size is sent with its length, as git does (http.postBuffer), a longer one in chunks, handed
 * over in blocks. What is left of an answer that nobody wants to read is drained for so long, to
 * keep the connection.
 */
#define LIMIT_HTTP_TURN_MS 100
#define LIMIT_HTTP_WHOLE_BODY_BYTES (1024 * 1024)
#define LIMIT_HTTP_BLOCK_BYTES (128 * 1024)
#define LIMIT_HTTP_DRAIN_MS 100
#define LIMIT_HTTP_REDIRECTS 5
#define LIMIT_HTTP_HEADER_BYTES (256 * 1024)
#define LIMIT_HTTP_IDLE_HANDLES 64
#define LIMIT_HTTP_CONNECTIONS_PER_HANDLE 4
#define LIMIT_HTTP_ORIGINS 1000

/* git's own bound on a packet with its length; a server's
 * report on a push with all its hooks have to say. */
#define LIMIT_PKT_LINE_BYTES 65520
#define LIMIT_PUSH_REPORT_BYTES (64 * 1024 * 1024)

/*
 * Children (ssh, git): how late a cancellation is seen at most; how long one may take to exit by
 * itself when its work is done, and after SIGTERM; how much of its standard error, and of a
 * server's remarks, is kept for messages.
 */
#define LIMIT_POLL_MS 100
#define LIMIT_CHILD_EXIT_MS 5000
#define LIMIT_CHILD_TERMINATE_MS 1000
#define LIMIT_CHILD_COMPLAINT_BYTES 8192

/* Progress of a transfer is told at most so often: a person sees no more. */
#define LIMIT_PROGRESS_MS 100

/* Answers of upstreams that are kept for the batch that asked. */
#define LIMIT_UPSTREAM_ANSWERS 1000

/* Merging: a blob larger than this is never merged by
 * content; a tree deeper than this is refused. */
#define LIMIT_MERGE_BLOB_BYTES (50 * 1024 * 1024)
#define LIMIT_TREE_DEPTH 256

/* Merge bases of one merge, and merges of merge bases within
 * each other: histories beyond that are made to hurt. */
#define LIMIT_MERGE_BASES 64
#define LIMIT_MERGE_BASE_DEPTH 64

/* Trees kept from one merge to the next in the same repository. */
#define LIMIT_OBJECTS_KEPT_BYTES (64u * 1024 * 1024)

/*
 * A component's folder. A larger file no host of repositories takes by default, and each is held in
 * memory once; so many files and bytes no component has, but a whole repository may be one. Commits
 * between two upstream versions: the largest public histories have fewer; of so many the path is
 * looked at, which costs a few reads each. Local commits since the base, and stashes: people make
 * them one by one.
 */
#define LIMIT_COMPONENT_OBJECTS 1000000
#define LIMIT_COMPONENT_BYTES (4LL * 1024 * 1024 * 1024)
#define LIMIT_HISTORY_COMMITS 2000000
#define LIMIT_HISTORY_PATHS 200000
#define LIMIT_LOCAL_COMMITS 100000
#define LIMIT_STASHES 10000
/* Characters of what is said of an edit later: some names of fields. */
#define LIMIT_EDIT_NOTE 200
/* So many objects are copied one by one, each synced to the disk; more go into one pack. */
#define LIMIT_LOOSE_COPIES 200
/* A path inside a repository; as long as the system takes. The subject of an upstream commit is cut
 * here. */
#define LIMIT_PATH_BYTES 4096
#define LIMIT_SUBJECT_BYTES 1000

/* Renames: git's own bound on the square root of pairs
 * compared, and memory for what is known of the files. */
#define LIMIT_RENAME_CANDIDATES 7000
#define LIMIT_RENAME_PROFILE_BYTES (512u * 1024 * 1024)

/*
 * What a push would bring that the fork's server may lack. git-lfs takes no blob of more bytes for
 * a pointer, and its clients ask for 100 objects at once. A tree of more entries, or more
 * submodules beside the fork, than any real project has is refused: each costs a request. git's own
 * .gitmodules have a few kilobytes. So many are named in an error; their count is always whole.
 */
#define LIMIT_LFS_POINTER_BYTES 1024
#define LIMIT_LFS_BATCH_OBJECTS 100
#define LIMIT_CONTENT_ENTRIES 2000000
#define LIMIT_CONTENT_FINDINGS 100000
#define LIMIT_CONTENT_REPOSITORIES 2000
#define LIMIT_CONTENT_NAMED 3
#define LIMIT_CONFIG_TEXT_BYTES (1024 * 1024)

/* Stores: past these a store is rewritten, so that look-ups stay quick and descriptors few. */
#define LIMIT_STORE_PACKS 50
#define LIMIT_STORE_LOOSE_OBJECTS 1000
/* With so many times more, a rewrite no longer waits until a store happens to be idle: those who
 * come to it wait, at most so long, for those who use it to leave. */
#define LIMIT_STORE_OVERDUE 2
#define LIMIT_STORE_REWRITE_WAIT_MS 5000
#define LIMIT_STORE_LOCK_MS 60000
#define LIMIT_STORE_LOCK_PAUSE_MS 20
/* Packs and loose objects of all handles that libgit2 keeps
 * mapped; at most a quarter of the descriptors. */
#define LIMIT_MAPPED_FILES 512
/* What a fetch offers as known: libgit2 gives up after 256.
 * The line is how far back it looks for something to offer. */
#define LIMIT_NEGOTIATION_HAVES 256
#define LIMIT_NEGOTIATION_LINE 1000000
/* A commit, tree or tag larger than this is refused before
 * it is unpacked: git's own are a thousand times smaller. */
#define LIMIT_LINKING_OBJECT_BYTES (64 * 1024 * 1024)
/* A blob larger than this is refused: it is held in memory when it is pushed, and hosts of
 * repositories take a hundred megabytes, or point to git-lfs. No piece of memory that libgit2 asks
 * for is larger either: a tiny pack may say that it holds anything. */
#define LIMIT_BLOB_BYTES (512LL * 1024 * 1024)
#define LIMIT_GIT_ALLOCATION_BYTES ((size_t)LIMIT_BLOB_BYTES + 4096)
/* Refs that one store or fork repository remembers. */
#define LIMIT_ANCHORS 100000

/*
 * Folders of a workspace. A component's folder of more entries, or with a larger file, than any
 * real one has is refused (git hosts refuse files of 100 MB as well); names and paths end where
 * Linux ends them. So many omitted files are named in the notes of a snapshot. A file that changes
 * whenever it is read is given up after so many tries; symlinks are followed so often, as the
 * kernel does, and all of a tree over so many names.
 */
#define LIMIT_FOLDER_ENTRIES 200000
#define LIMIT_FOLDER_FILE_BYTES (100LL * 1000 * 1000)
#define LIMIT_FILE_NAME_BYTES 255
#define LIMIT_FOLDER_PATH_BYTES 4000
#define LIMIT_SNAPSHOT_NOTES 100
#define LIMIT_FILE_READ_TRIES 5
#define LIMIT_SYMLINK_HOPS 40
#define LIMIT_SYMLINK_NAMES 5000000

/* Lists of ignored files: bytes of one, and its patterns. Each name is matched against each. */
#define LIMIT_IGNORE_BYTES (256 * 1024)
#define LIMIT_IGNORE_PATTERNS 10000

/* What is known of a folder's files from the last look: as many as there may be, at long paths. */
#define LIMIT_STAT_CACHE_BYTES (256 * 1024 * 1024)

/*
 * Changes of a workspace's folders. The lock is held while files are written, at most for a large
 * component's install. An intent names each changed path. Past so many files or directories one
 * sync of the whole file system is quicker than one of each. Somebody may make and remove a file so
 * often just as it is replaced, before the change gives up and waits for recovery. A change's token
 * has the component's line of forge.lock, with the names of all that it needs.
 */
#define LIMIT_WORKSPACE_LOCK_MS 60000
#define LIMIT_WORKSPACE_LOCK_PAUSE_MS 20
#define LIMIT_APPLY_TOKEN_BYTES (256 * 1024)

/*
 * A workspace's repository is rewritten past these packs or loose objects, as a store is, at most
 * once in a pause. What no ref reaches stays while a job may still be queued that needs it. A walk
 * keeps an id for each object in memory, some hundred bytes.
 */
#define LIMIT_WORKSPACE_PACKS 50
#define LIMIT_WORKSPACE_LOOSE_OBJECTS 1000
#define LIMIT_REWRITE_PAUSE_S (24 * 60 * 60)
#define LIMIT_UNREACHED_S (24 * 60 * 60)
#define LIMIT_REWRITE_OBJECTS 2000000

#define LIMIT_INTENT_BYTES (1024 * 1024 * 1024)
#define LIMIT_SYNCED_SINGLY 64
#define LIMIT_RENAME_RACES 100
#define LIMIT_KEPT_COPIES 1000

/* Branches and tags that are fetched to find a commit that was asked for by its id. */
#define LIMIT_REFS_FOR_A_COMMIT 2000

/*
 * Resolving dependencies: repositories that are asked at the same time, which a server takes for
 * one busy client; tags of one repository that may be versions of components, each a ref that is
 * kept in the cache.
 */
/* Installations that one request asks for: each has a name, a repository and a commit. */
#define LIMIT_INSTALLS_PER_BATCH 300
#define LIMIT_SOURCES_AT_ONCE 8
#define LIMIT_REFS_PER_SOURCE 20000

/* Pushes of a component that upstream may have taken, and commits of upstream that are looked at for
 * each: who pushed more often, or is further behind, may be in conflict with changes of one's own. */
#define LIMIT_EARLIER_PUSHES 16
#define LIMIT_COMMITS_FOR_A_PUSH 2000

/* Commits that a component is said to be behind; past it, `at least`. */
#define LIMIT_BEHIND_COUNT 10000

/* Documents from outside: bytes, nesting, nodes after aliases are expanded. */
#define LIMIT_DOCUMENT_BYTES (8 * 1024 * 1024)
#define LIMIT_DOCUMENT_DEPTH 64
#define LIMIT_DOCUMENT_NODES 200000

/*
 * What changed in a file, as people read it: characters of a value or a key in one line, changes
 * that one line names; of a path in an error, whose reason follows it; fields that are listed, and bytes of a unified diff (what is beyond is
 * counted).
 */
#define LIMIT_SHOWN_CHARACTERS 40
#define LIMIT_SHOWN_KEY_CHARACTERS 100
#define LIMIT_SHOWN_CHANGES 3
#define LIMIT_SHOWN_PATH_CHARACTERS 160
#define LIMIT_FIELD_CHANGES 2000
#define LIMIT_DIFF_BYTES (1024 * 1024)

/*
 * Checking against a schema. Its parts within each other, each reference one more (a document is
 * nested 64 deep and a schema few references a level); steps, one for each value looked at under
 * each rule: a second's work, where real components take thousands; what one match of a pattern
 * costs of these, with each byte of the text, which has a length for patterns that are searched in
 * it and one for those that must stand at its beginning; how often a match may go back (searching
 * goes back once a character) before it counts as one that never ends. Findings that are told:
 * nobody corrects more at once.
 */
#define LIMIT_SCHEMA_DEPTH 500
#define LIMIT_SCHEMA_STEPS 2000000
#define LIMIT_SCHEMA_FINDINGS 100
#define LIMIT_SCHEMA_PATTERNS 1000
#define LIMIT_PATTERN_BYTES 4096
#define LIMIT_PATTERN_SEARCHED_BYTES (16 * 1024)
#define LIMIT_PATTERN_ANCHORED_BYTES (64 * 1024)
#define LIMIT_PATTERN_COST 100
#define LIMIT_PATTERN_COST_PER_BYTE 10
#define LIMIT_PATTERN_BACKTRACKS 30000

/* Changes of one document: edits in one call, and bytes that are read again between them, which
 * bounds the time (some ten seconds). */
#define LIMIT_DOCUMENT_EDITS 10000
#define LIMIT_DOCUMENT_EDIT_BYTES (256LL * 1024 * 1024)

/* Items of one list of a document whose table names no bound of its own. */
#define LIMIT_FIELD_ITEMS 100000

/*
 * Versions and ranges of them: node-semver's own bound on a version, in units of UTF-16. Two ranges
 * are compared set by set, so the work grows with the square of their length; people's have some
 * dozen bytes.
 */
#define LIMIT_SEMVER_UNITS 256
#define LIMIT_SEMVER_RANGE_BYTES 4096

/*
 * Components: the longest name, as formats say; what one component may need and one repository
 * hold, far beyond any real one; what `component.yaml` may say in a text; how many problems of one
 * file are listed, beyond which nobody reads on; how long a path is (git's own on most systems).
 */
#define LIMIT_COMPONENT_NAME_BYTES 100
#define LIMIT_COMPONENT_DEPENDENCIES 1000
#define LIMIT_COMPONENTS_PER_REPOSITORY 10000
#define LIMIT_COMPONENT_YANKED 10000
#define LIMIT_COMPONENT_TEXT_BYTES (64 * 1024)
#define LIMIT_COMPONENT_PROBLEMS 100
#define LIMIT_COMPONENT_PATH_BYTES 4096
#define LIMIT_COMPONENT_YAML_BYTES (1024 * 1024)
#define LIMIT_CATALOG_BYTES (64 * 1024 * 1024) /* of all component.yaml that one listing reads */
#define LIMIT_WORKSPACE_COMPONENTS 10000
#define LIMIT_COMPONENT_VERSIONS_NAMED 5 /* in an error */
#define LIMIT_COMPONENTS_NAMED 5         /* in a remark */

/*
 * Choosing versions. Candidates of one component: a repository may have as many refs, none has as
 * many versions. Packages: ten times what the largest workspace lists. A step is one look at one
 * rule: so many are some ten seconds, where the hardest known registries take a few milliseconds;
 * rules that are learned stay in so much memory. Between two questions whether to go on lie some
 * milliseconds. A branch or commit that nobody named before makes the search begin anew; people
 * name a few. The facts of an explanation are thinned out for at most about a second; so many steps of
 * a proof are looked at, and so many lines told: nobody reads more. Requirements that it is tried to
 * do without, and the steps of each try: advice comes soon or not at all.
 */
#define LIMIT_SOLVER_CANDIDATES 200000
#define LIMIT_SOLVER_PACKAGES 100000
#define LIMIT_SOLVER_STEPS 300000000
#define LIMIT_SOLVER_RULE_BYTES (512LL * 1024 * 1024)
#define LIMIT_SOLVER_STEPS_PER_LOOK 100000
#define LIMIT_SOLVER_RESTARTS 1000
#define LIMIT_SOLVER_EXPLAIN_STEPS 20000000
#define LIMIT_SOLVER_EXPLANATION_NODES 2000
#define LIMIT_SOLVER_EXPLANATION_LINES 40
#define LIMIT_SOLVER_ADVICE 5
#define LIMIT_SOLVER_ADVICE_STEPS 10000000

/*
 * Questions to a person: more lines of a conflict than this scroll the choices' sense away (an
 * editor shows all); an answer is a digit or letter.
 */
#define LIMIT_RESOLVE_SHOWN_LINES 400
#define LIMIT_RESOLVE_ANSWER_BYTES 256

/* Configuration: more jobs at once than this no machine
 * runs well; a wait longer than this is a mistyped unit. */
#define LIMIT_WORKER_JOBS 256
#define LIMIT_HOSTS 1000
#define LIMIT_SOCKET_PATH_BYTES 107 /* sun_path of a Unix socket, less its NUL */
#define LIMIT_CONFIGURED_WAIT_MS (7LL * 24 * 60 * 60 * 1000)
#define LIMIT_CONFIGURED_AGE_MS (10LL * 366 * 24 * 60 * 60 * 1000)
#define LIMIT_CONFIGURED_BYTES (1LL << 50)

/* Below so much a disk is as good as full: a journal's files and a fetch need more at once. And a
 * clock may be so far behind the journal before somebody should look at it. */
#define LIMIT_DISK_FREE_BYTES (64LL * 1024 * 1024)
#define LIMIT_CLOCK_BEHIND_US (5LL * 60 * 1000 * 1000)

/* How often a daemon that nobody tells anything looks after its cache. */
#define LIMIT_DAEMON_REST_MS (10 * 60 * 1000)

/* Completion of a command line: whoever pressed the key waits, and can read no more. */
#define LIMIT_COMPLETION_MS 300
#define LIMIT_COMPLETIONS 1000

#endif
