/*
 * Every bound of the core in one place, each with its reason. A number here is a promise: tests
 * push one past it, and docs/limits.md prints the products (links x window = bytes).
 */
#ifndef QN_BASE_LIMITS_H
#define QN_BASE_LIMITS_H

/* Records: TLS 1.3 shape (RFC 8446 5.2), so that HTX records and bare ones are alike. */
#define QN_RECORD_HEADER 5          /* type, legacy version, length */
#define QN_RECORD_CONTENT_MAX 16384 /* 2^14: the largest TLSInnerPlaintext.content */
#define QN_RECORD_CONTENT_MIN 512   /* a carrier offering less is refused: credit frames must fit */
#define QN_RECORD_BODY_MAX 16640    /* 2^14 + 256: the largest TLSCiphertext.length */
/* what follows a large frame in its record is copied: credit frames */
#define QN_SEAL_TAIL_MAX 512
#define QN_TAG 16 /* Poly1305 */

/* TLS client (docs/wire/tls.md). What a hostile origin can make us hold before it is authenticated.
 */
#define QN_TLS_HELLO_MAX 3072    /* a hello we send or recognise; browsers' are under 2,500 */
#define QN_TLS_TICKET_MAX 512    /* identity of a ticket we keep: with it any hello still fits */
#define QN_TLS_COOKIE_MAX 1024   /* of a HelloRetryRequest; OpenSSL's are under 200 */
#define QN_TLS_MESSAGE_MAX 65536 /* a handshake message, certificates above all, inflated too */
#define QN_TLS_INFLATE_MAX (512u << 10) /* brotli's working memory: tables and a 64 KiB window */
#define QN_TLS_CHAIN_MAX 10             /* certificates in a chain; public ones have 2 to 4 */
/* verdicts on chains that a process keeps: sites of the nodes it links to; 1 KB each at most. Twice
 * as many as a busy relay's neighbours, so that few sets of eight are wanted by more than eight. */
#define QN_CHAINS_KEPT 1024
#define QN_TLS_FLOOD_MAX 32   /* empty records, CCS, KeyUpdates in a row: BoringSSL's limit */
#define QN_TLS_TICKETS_MAX 16 /* of one connection; further ones are read and dropped */
#define QN_TLS_CACHE_MAX 64   /* tickets kept between connections: two each of 32 places */
/* sealed bytes waiting for the socket: a request is under 1 KiB */
#define QN_TLS_OUT_MAX (64u << 10)
#define QN_TLS_EXTENSIONS_MAX 32 /* browsers send 19 */
#define QN_TLS_CIPHERS_MAX 64
#define QN_TLS_SHARES_MAX 4
#define QN_TLS_ECH_CHOICES_MAX 8
#define QN_TLS_ECH_PAYLOAD_MAX 640 /* Firefox's on resumption is 527 to 591 */
#define QN_TLS_PAUSE_MAX 10000 /* ms a browser thinks between two requests; captures: 20 to 350 */

/* HTX (docs/wire/htx.md) */
/* answered tags remembered: 240 new links a second for the 270 s that a tag can live */
#define QN_HTX_REPLAY_MAX 65536
#define QN_HTX_PSKS_MAX                                                                            \
    16 /* invitation batches of an unlisted peer; each costs an opening a hello */
/* DATA of an origin connection under way: what a page's answer may still bring after PROOF */
#define QN_HTX_CARRY_WINDOW 65536
/* of the origin's bytes at a peer: from PROOF to message 3, and while its client grants no more */
#define QN_HTX_KEEP_MAX 65536
/* a client's record after PROOF that does not come on: the origin has it then, in time to judge */
#define QN_HTX_STALE (30 * QN_SEC)
/* what an origin says on an idle link may be its last words: then ours stand for them */
#define QN_HTX_PAUSE (20 * QN_MS)
#define QN_HTX_LEAVE                                                                               \
    QN_SEC /* for a CLOSE of ours that has no room, before its alert goes alone                    \
            */
/* visits of one peer that did not become links and end as idle browsers' do: no browser has more */
#define QN_VISITORS_MAX 2
#define QN_HTX_VISIT_MAX (60 * QN_SEC) /* a visit's page, and then its second answer */

/* Shaping (docs/wire/shaping.md) */
#define QN_SHAPE_FIRST 12        /* records each way whose lengths are a page load's */
#define QN_SHAPE_PAGES_MAX 8     /* kinds of page in a profile */
#define QN_SHAPE_REQUESTS_MAX 32 /* lengths of requests: a histogram in 32 parts */
#define QN_SHAPE_POSTS_MAX 8
#define QN_SHAPE_BURSTS_MAX 32
#define QN_SHAPE_OPENINGS                                                                          \
    6 /* streams in their first four bursts at once: a browser's connections */
/* content of a record into which a part of any frame fits, and link credit beside a stream's */
#define QN_SHAPE_ROOM_MIN 32
#define QN_SHAPE_UPLOAD 4096 /* queued on a stream: more is an upload, not a request */
/* a hello's second half waits for a record of the peer: more than nearly any round trip */
#define QN_SHAPE_HALF_MAX (500 * QN_MS)
/* Finished waits for the request, which a browser writes in the same moment */
#define QN_SHAPE_JOIN_MAX (5 * QN_MS)
/* an opening that stands still so long leaves its place to a stream that waits */
#define QN_SHAPE_STALL QN_SEC

/* HTTP/2 client (docs/wire/h2.md) */
#define QN_H2_SETTINGS_MAX 8  /* entries of a profile's SETTINGS; browsers send 4 */
#define QN_H2_FIELDS_MAX 32   /* header fields of a request; browsers send 15 to 18 */
#define QN_H2_TEXT_MAX 2048   /* bytes of one request's names and values; browsers send under 800 */
#define QN_H2_TABLE_MAX 65536 /* HPACK table we offer: what both browsers offer */
#define QN_H2_NAME_MAX 255    /* authority: a DNS name and a port */
#define QN_H2_PATH_MAX 255
#define QN_H2_REQUESTS_MAX 8   /* at once on one connection; a link asks one after the other */
#define QN_H2_HEADERS_MAX 8192 /* a HEADERS frame of ours: all of the above at 19 bits a byte */
/* writes that wait for the socket: a connection answers what it read before it reads more */
#define QN_H2_WRITES_MAX 64
#define QN_H2_BLOCK_MAX 262144      /* a header block, unfolded too: what both browsers take */
#define QN_H2_THEIR_SETTINGS_MAX 32 /* in one frame; there are fewer than ten (RFC 9113 6.5.2) */

/* Blocks: one small class for control and single S cells, one large for a full record. */
/* one S-cell record: 5 + 8 + 1056 + 1 + 16, and slack for credit frames */
#define QN_BLOCK_SMALL 1472
#define QN_BLOCK_LARGE 16768 /* 5 + 16640, and slack for headers pushed in front */
#define QN_POOL_KEEP 64      /* free blocks of a class an engine keeps warm: 1 MiB of large ones */
/* read scratch, shared by a thread: one readiness reads up to 16 records */
#define QN_SCRATCH 262144

/* Frames */
#define QN_FRAME_HEADER 4 /* Len u24, Type u8 */
/* frame header + stream id: what a STREAM frame puts before its data */
#define QN_STREAM_HEADER 8
/* app data in one STREAM frame: 64 bytes stay for credit frames */
#define QN_FRAME_DATA_MAX 16320

/* Links and streams */
/* open streams on one link; a stream costs 256 B and two table slots */
#define QN_STREAMS_MAX 65536
/* of a link whose peer no snapshot lists: several busy browsers' */
#define QN_STRANGER_STREAMS 1024
#define QN_STREAM_BASE 65536            /* first credit of a stream: free of the node's budget */
#define QN_STREAM_WINDOW_MAX (4u << 20) /* 4 MiB at 50 ms is 80 MB/s */
#define QN_LINK_BASE (256u << 10)       /* first link credit: covers the peer's retained log */
#define QN_LINK_WINDOW_MAX (16u << 20)
/* sealed bytes waiting for the socket, which no stream can overtake any more: eight large records,
 * one writev, where the socket takes as many; one record where it is slow (carrier/outflow.h) */
#define QN_LINK_OUT_MAX (128u << 10)
#define QN_LINK_OUT_MIN (16u << 10)
#define QN_STREAM_QUEUE_MAX (128u << 10) /* what an edge may queue ahead on one stream */
/* a dialled link without streams: three heartbeats and slack */
#define QN_LINK_IDLE (100 * QN_SEC)
/* its dialler has ended it long before, or is gone */
#define QN_LINK_IDLE_ACCEPTED (160 * QN_SEC)
/* a link without a carrier waits so long for another: three failed visits to a site and what was
 * lost of a network for a moment; an application would soon give up by itself */
#define QN_ORPHAN_LIFE (20 * QN_SEC)
/* After it resumed a link begins with small records, so that whoever freezes connections after 16
 * KiB lets some of them through; a carrier that looks like a browser's has lengths of its own. */
#define QN_RESUMED_GENTLY (32u << 10)
#define QN_RESUMED_RECORD 2048
/* so many wait at once, the oldest gives way: a relay's clients after its site restarted; what they
 * hold is bounded by the node's memory cap */
#define QN_ORPHANS_MAX 4096
#define QN_ORPHAN_LEAVE QN_SEC /* streams that are only opening then take another way */
/* the dialler tries again after a quarter of a second, doubled up to 4 s, half of it drawn */
/* carriers in a row that took the link and brought nothing of what was awaited: who freezes each
 * after some bytes lets those pass, and a peer that is there and never answers is no better than a
 * dead one */
#define QN_BARREN_MAX 16
#define QN_REDIAL_FIRST (250 * QN_MS)
#define QN_REDIAL_DOUBLED 4
#define QN_REDIAL_PATIENCE (10 * QN_SEC) /* a visit that has not become a carrier by then */
/* a user's word without an answer is looked into after so long, and so many ms more, drawn */
#define QN_LOOK_AFTER (6 * QN_SEC)
#define QN_LOOK_DRAWN_MS 4000
#define QN_RESUME_ANSWER (5 * QN_SEC) /* RESUME on a carrier that has just worked */
#define QN_CREDIT_BUDGET (64u << 20)  /* node-wide sum of credit above the bases (P4) */

/* Scheduling (frame/sched.h). What a stream of a link may send before it is bulk: a page of a
 * mebibyte with its framing, and a little. */
#define QN_SCHED_FAVOUR (1280u << 10)
/* all of it comes back in so long without anything to send: a page, and the reading of it */
#define QN_SCHED_REST (8 * QN_SEC)
#define QN_SCHED_AHEAD 8 /* bytes of others before one of bulk, at least */

/* Rekey (docs/wire/record.md): first of the three. Hard stop long before the nonce ends. */
#define QN_REKEY_RECORDS (UINT64_C(1) << 24)
#define QN_REKEY_BYTES (UINT64_C(64) << 30)
#define QN_REKEY_AFTER (600 * QN_SEC)
#define QN_RECORDS_HARD (UINT64_C(1) << 48)

/* Circuits (docs/wire/cell.md) */
#define QN_CELL_S 1056
#define QN_CELL_L 16288
#define QN_GUARDS_MAX 20 /* kept at once: who needs more is being led about */
#define QN_HOPS_MAX 3
#define QN_CIRCUIT_APPS_MAX 256 /* app streams in one circuit */
/* circuits a client has, one at least for each set of SOCKS credentials; 2 KiB each while idle */
#define QN_CIRCUITS_MAX 64
/* with all of these in use, streams whose application has said all and heard nothing for so long
 * give way: a browser that went away looks no different, and an exit ends them after 300 s */
#define QN_HALF_CLOSED_REST (30 * QN_SEC)
/* blocks of app bytes a circuit queues ahead: 128 KiB, as one stream's queue */
#define QN_APPS_RUNS 8
#define QN_APPS_LEND 4 /* of them lent to one read: 64 KiB, a socket's usual fill */
#define QN_CIRCUIT_BUILD_TIMEOUT (10 * QN_SEC)
/* while a stream waits, one that is not built after so long, which is some round trips, is given
 * company by another, that one after twice as long, and so on: four before the first gives up */
#define QN_CIRCUIT_LATE QN_SEC
/* a circuit that answers nothing is asked after so long, and left after as long again; between the
 * two bounds, what building it took, which is two round trips and more */
#define QN_MUTE_MIN (500 * QN_MS)
#define QN_MUTE_MAX (2 * QN_SEC)
#define QN_CIRCUIT_IDLE (60 * QN_SEC)
#define QN_CIRCUIT_AGE_MAX (24 * 3600 * QN_SEC)
#define QN_CIRCUIT_DIRTY (600 * QN_SEC) /* no new app streams on a circuit used this long */
/* Circuits that one may begin at a node (CREATE costs it two or three X25519, EXTEND the next one),
 * so many at once and as many again in each period. A client's link: its whole table four times
 * over, then 16 a second, ten times what a busy browser with a circuit for each site asks. An
 * address: four such links. A listed node's, which brings the circuits of many: 2,048 a second,
 * a quarter of what a core answers, so no single one fills it. */
#define QN_BIRTHS_LINK 256
#define QN_BIRTHS_ADDRESS 1024
#define QN_BIRTHS_PERIOD (16 * QN_SEC)
#define QN_BIRTHS_RELAY 4096
#define QN_BIRTHS_RELAY_PERIOD (2 * QN_SEC)
#define QN_BIRTHS_PREFIX 8 /* bytes of an IPv6 address that are its owner's network */
#define QN_LAYER_CELLS_MAX (UINT64_C(1) << 32)
#define QN_LAYER_RATCHET 64 /* cells per layer key */

/* Directory */
#define QN_HEARTBEAT_EVERY (30 * QN_SEC)
#define QN_LIVE_FOR (120 * QN_SEC)
/* a heartbeat's time from the operator's clock: no more than a node lives by one, so that a
 * recorded one keeps nobody listed for longer than a second life */
#define QN_HEARTBEAT_SKEW_S 120
#define QN_PRUNE_EVERY (60 * QN_SEC)
/* bytes; a descriptor with every field full is under 800, and its card has at most 1600 more */
#define QN_DESCRIPTOR_MAX 2560
#define QN_SNAPSHOT_MAX (4u << 20)
/* zstd's for public documents: keys do not compress, and 19 makes a list 2 % shorter */
#define QN_PACK_LEVEL 6
/* lists a node remembers to tell others what has changed since: with 1,000 nodes of which 5 % come
 * and as many go within an hour, that hour's; 40 bytes for each node of each ... */
#define QN_PAST_LISTS 128
#define QN_PAST_BYTES (8u << 20)          /* ... and of the longest list the last 50 */
#define QN_PARCEL_BYTES (4u << 20)        /* deltas made of them: 200 such hours' */
#define QN_STORE_PAUSE (10 * QN_SEC)      /* until what could not be kept is tried again */
#define QN_SNAPSHOT_PAUSE QN_SEC          /* between two snapshots: a version is a second */
#define QN_SNAPSHOT_EVERY (1200 * QN_SEC) /* a new one at least so often: a third of its life */
#define QN_SNAPSHOT_LIVES_S 3600          /* what an operator gives it */
/* Operators agree on lists: the turns in which each proposes, in seconds of the wall clock; a
 * proposal and its answers take two round trips of a link. */
#define QN_TURN_S 3
#define QN_TURN_SKEW_S 10 /* how far a proposal's version may be from its co-signer's clock */
/* a newcomer is listed when the other operators have had time to hear of it ... */
#define QN_SETTLE (2 * QN_SEC)
/* ... and missed in another's list, or its death, only when all must have heard of it */
#define QN_AGREE_GRACE (30 * QN_SEC)
/* while operators refuse each other's lists for so long, they sign what differs a little */
#define QN_AGREE_AFTER (60 * QN_SEC)
#define QN_SHARE_EVERY (250 * QN_MS) /* what nodes said is passed on to the other operators */
#define QN_SHARE_MAX 32768           /* bytes of it in one message: a dozen new nodes, 200 beats */
#define QN_FELLOW_RETRY (2 * QN_SEC) /* another operator that did not answer is dialled again */
#define QN_SEEKERS 2                 /* others that are asked while the first says nothing ... */
#define QN_SEEK_AFTER                                                                              \
    QN_SEC /* ... for so long, one after the other: a link's set-up and a list                     \
            */
#define QN_LIST_EVERY (60 * QN_SEC)    /* a node asks for a newer snapshot, and ... */
#define QN_LIST_UNUSED (3600 * QN_SEC) /* ... a client that nobody uses: a snapshot's life */
/* a node that has just started, with a list this short, asks so often: the network may be as young
 */
#define QN_YOUNG (60 * QN_SEC)
#define QN_YOUNG_RELAYS 16
#define QN_YOUNG_LIST_EVERY (2 * QN_SEC)
#define QN_DIR_TIMEOUT (10 * QN_SEC)    /* an answer to one directory request */
#define QN_ANSWERS_MAX 4096             /* directory streams an operator serves at once */
#define QN_ANSWERS_PER_LINK 16          /* ... for one link; a node uses one, or two */
#define QN_ANSWER_AGE_MAX (60 * QN_SEC) /* of one: three requests and their answers, and slack */
#define QN_REGISTRY_MAX 4096            /* entries an operator keeps */
/* nodes listed of one IPv4 /24 or IPv6 /48: a rack of relays, not a registry of made-up ones */
#define QN_QUOTA_PREFIX 4
#define QN_DESCRIBE_EVERY QN_SEC /* a node's descriptor is replaced no more often */
#define QN_DIALBACK_MAX 32       /* nodes an operator dials at once to see that they answer */
#define QN_DIALBACK_AGAIN (20 * QN_SEC) /* and again, when one did not, ... */
#define QN_DIALBACK_DOUBLINGS 4         /* ... after up to 320 s */
/* Operators measure what listed relays carry (docs/decisions/0024). One burst of 1 MiB at a time,
 * as long as a page is: longer ones would not be favoured like one, shorter ones end before windows
 * have grown ... */
#define QN_MEASURE_CELLS 64
#define QN_MEASURE_PAUSE                                                                           \
    (4 * QN_SEC) /* ... and then a pause: 256 KiB/s at most, 4,096 in 5 hours */
#define QN_MEASURE_PATIENCE (30 * QN_SEC)
/* a newcomer has stayed so long before anybody's bytes are spent on it, and then as long again at
 * most, drawn: nobody knows the moment to be fast at */
#define QN_MEASURE_AFTER (300 * QN_SEC)
#define QN_MEASURE_EVERY_S (4 * 3600) /* and as long again at most, drawn */
#define QN_MEASURE_AGAIN (600 * QN_SEC)
#define QN_MEASURE_TRIES 3            /* failures in a row, then it carries next to nothing */
#define QN_MEASURE_LOOK (60 * QN_SEC) /* newcomers are looked for so often */
/* bytes a second that one of 1000 shares of capacity stands for: the highest is 16 MB/s, and more
 * than that one circuit of ours would not show */
#define QN_CAPACITY_STEP 16384
/* what nobody has measured: 160 KB/s, so that a crowd of newcomers draws nobody */
#define QN_CAPACITY_UNMEASURED 10
#define QN_DIR_MESSAGE_MAX (QN_SNAPSHOT_MAX + 4096)
#define QN_DIR_REQUEST_MAX (QN_DESCRIPTOR_MAX + 64) /* what a directory reads from anybody */
/* domain tag, network id, body; a network is under 3000, an operator's contact under 4000 */
#define QN_SIGNED_MAX 4096
/* Beside the directory (docs/wire/discovery.md) */
/* descriptors kept that are newer than the list or in none: a quarter of a full list, 3 MiB */
#define QN_HEARD_MAX 1024
#define QN_HEARD_LIFE (3600 * QN_SEC) /* one that was reached is looked at again */
/* unlisted ones from one teller that nobody has reached yet: two answers of his */
#define QN_HEARD_PER_TELLER 16
#define QN_HEARD_TRIES 3 /* dials of one that does not answer, then it is forgotten */
/* between them, doubled each time: a node that restarts is back by the second */
#define QN_HEARD_DIAL_AGAIN (30 * QN_SEC)
#define QN_HEARD_DIAL_EVERY (2 * QN_SEC) /* between any two: whoever makes up nodes has us dial */
#define QN_GOSSIP_FANOUT 3            /* nodes asked in one round: news reaches 3^k in k rounds */
#define QN_GOSSIP_EVERY (60 * QN_SEC) /* rounds, and only while there is a reason */
#define QN_GOSSIP_DOUBLINGS 3         /* of that, while rounds bring nothing: eight minutes */
#define QN_GOSSIP_FIRST (15 * QN_SEC) /* a node that starts waits so long for the directory */
#define QN_GOSSIP_SAMPLE 8            /* descriptors in one answer: 20 KiB */
#define QN_GOSSIP_HELD 64             /* entries of what we hold in one question: 1 KiB */
/* what one link may ask: 12 questions or 3 introductions at once, then one in so long */
#define QN_GOSSIP_NEWS_COST (5 * QN_SEC)
#define QN_GOSSIP_INTRODUCE_COST (20 * QN_SEC)
#define QN_GOSSIP_BURST (60 * QN_SEC)
/* what all may ask together: 20 answers a second, 400 KiB of them */
#define QN_GOSSIP_ANSWER_COST (50 * QN_MS)
/* Rendezvous: nodes that others reach through us ... */
#define QN_MOORED_MAX 256
#define QN_MOOR_EVERY (30 * QN_SEC) /* ... for three of these after each MOOR */
#define QN_MOOR_RETRY (5 * QN_SEC)
#define QN_MOOR_TRIES 3      /* failures in a row, then another rendezvous is looked for */
#define QN_PASSAGES_MAX 1024 /* links through us, and links of ours through others: 64 KiB each */
#define QN_PASSAGES_PER_LINK 64               /* of one link, through us */
#define QN_PASSAGE_COST QN_SEC                /* of one link: 60 at once, then one a second */
#define QN_PASSAGE_IDLE QN_LINK_IDLE_ACCEPTED /* the link inside has ended itself before */
#define QN_REACH_LOOKS 8 /* nodes being dialled back at once because they asked */
#define QN_REACH_LOOK_MAX (15 * QN_SEC)
#define QN_CLOCK_SKEW_S 600               /* how far an honest wall clock may be off */
#define QN_KEY_LIFE_S (14 * 86400)        /* 7 days in use, 7 more accepted as the previous key */
#define QN_DESCRIPTOR_LIFE_S (14 * 86400) /* no longer than the keys in it */
#define QN_SNAPSHOT_LIFE_S 86400          /* bounds how long a client can be kept on an old list */
#define QN_INTERN_MAX 64 /* snapshots a process's nodes share: some hours of them */
/* other things they share: browsers to play, one or two of them */
#define QN_INTERN_SHARED_MAX 16

/* Who comes from where, by IPv4 /24 and IPv6 /48 (docs/decisions/0020-quotas.md) */
/* connections of a prefix in which a handshake is looked for: a street behind one gateway ... */
#define QN_HEARD_A_SECOND 50
#define QN_HEARD_AT_ONCE 200  /* ... that comes back all at once */
#define QN_PREFIXES_KEPT 4096 /* without links, for their rates: 64 bytes each */
/* of the conns: above it a link that proved nobody's key takes the place of another such; the rest
 * is for nodes of the list, what we dial, and sockets of edges */
#define QN_UNNAMED_MARK_PERCENT 85
#define QN_STRANGERS_PERCENT 60       /* of the conns: nobody more is let in ... */
#define QN_STRANGERS_AGAIN_PERCENT 50 /* ... until they hold fewer than these */
/* of the conns, whoever holds them: the last ones are not for who only comes */
#define QN_CROWDED_PERCENT 95
#define QN_CROWDED_AGAIN_PERCENT 93

/* Edges */
#define QN_CONNS_MAX 65536
#define QN_SOCKS_TIMEOUT (10 * QN_SEC) /* a complete SOCKS request, or goodbye */
#define QN_END_WAITS (10 * QN_MS)      /* an end nobody waits for looks so long for company */
#define QN_OPEN_TIMEOUT (30 * QN_SEC)  /* resolve + connect at the exit */
/* destinations whose SOCKS clients are answered early: several busy browsers', 16 bytes each ... */
#define QN_KNOWN_MAX 1024
/* ... and as long since one was reached as an exit may put streams together by their circuit */
#define QN_KNOWN_LIFE QN_CIRCUIT_DIRTY
/* the way there must have brought something within so long: a hop that dies says nothing, and what
 * is said into it is lost. As long as a silent circuit is trusted (QN_MUTE_MAX). */
#define QN_EARLY_HEARD (2 * QN_SEC)
/* bytes kept of a stream that was answered early: a browser's TLS hello, or most requests */
#define QN_EARLY_MAX 4096
/* an OPEN waits so long for the first of them, which follow the answer at once where they do */
#define QN_EARLY_WAIT (5 * QN_MS)
#define QN_PROBE_FRESH (60 * QN_SEC) /* a success speaks for what is wanted so long after */
#define QN_NOMEM_PAUSE (20 * QN_MS)  /* until what memory stopped is tried again */
#define QN_STOP_AFTER (2 * QN_SEC)   /* a graceful stop waits so long for conns to close */
#define QN_OPEN_TRIES 3 /* further paths for a stream that never opened, within QN_OPEN_TIMEOUT */
#define QN_HANDSHAKE_TIMEOUT (10 * QN_SEC)
#define QN_EXIT_CONNS 1000 /* sockets of an exit, unless configured */
#define QN_EXIT_CONNS_PER_SOURCE                                                                   \
    256                 /* of one circuit or one-hop link, at least: a busy browser's */
#define QN_NAME_MAX 255 /* a DNS name in SOCKS (RFC 1928: one length byte) */

#endif
