/*
 * All that a node needs from files to speak HTX: the browser it plays, whom that browser trusts,
 * the site it stands in front of, and what it kept from its last run.
 */
#ifndef QNET_HTX_FILES_H
#define QNET_HTX_FILES_H

#include "config.h"
#include "io-real/hosts.h"
#include "origin_file.h"
#include "profiles.h"

typedef struct htx_files {
    qn_htx_cfg cfg;
    origin_file origin;  /* measured == 0: none */
    qn_htx_origin facts; /* the same, as the core wants it; points into origin */
    qn_hosts *hosts;     /* NULL: DNS */
    char profile_name[PROFILE_NAME_MAX];
    qn_span profile, roots, mirror_keys, replay; /* malloc'ed */
} htx_files;

/* Returns an exit status; why when it is not EXIT_FINE. htx_files_close either way. */
int htx_files_open(htx_files *f, const config *c, const qn_store *s, qn_env *env, qn_why why);
void htx_files_close(htx_files *f); /* wipes what is secret */
/* For a founder, whose mirror keys are older than its node's first start but in nobody's use: says
 * that no tag was answered under them since the machine started. */
bool replay_begin(const qn_store *s, qn_env *env, qn_why why);
/* out points into o. */
void origin_facts(const origin_file *o, qn_htx_origin *out);

#endif
