/*
 * Which browser a node plays: a name that is shipped beside the program, or a file.
 *
 * Without a setting one is drawn once, and the state directory keeps its name: a machine does not
 * change its browser every day.
 */
#ifndef QNET_PROFILES_H
#define QNET_PROFILES_H

#include "io-real/store.h"

#define PROFILE_NAME_MAX 64
#define PROFILES_MAX 32 /* that are shipped */
#define PROFILE_WARN_SECONDS (14 * 86400)

typedef enum profile_age { PROFILE_FRESH, PROFILE_ENDS_SOON, PROFILE_ENDED } profile_age;

/* A hello that the browser stopped sending is itself a mark; `until` is the profile's own date. */
profile_age profile_judge(int64_t until, int64_t wall);
/* One sentence with the date and what to do; for the last two ages. */
void profile_advise(const char *name, int64_t until, profile_age age, qn_why out);

/* What came with the program under this name: ../share/qnet/NAME from where the program lies. */
bool shipped_path(const char *name, char out[QN_STORE_PATH_MAX], qn_why why);
/* The folder of the shipped ones: ../share/qnet/profiles from where the program lies. */
bool profile_folder(char out[QN_STORE_PATH_MAX], qn_why why);
/* Where the profile that `setting` means lies: a name in folder, or a path, which has a slash. "":
 * the one drawn earlier, or one drawn now; only then s is looked at. name is what to call it. */
bool profile_find(const char *setting, const char *folder, const qn_store *s, qn_env *env,
                  char name[PROFILE_NAME_MAX], char path[QN_STORE_PATH_MAX], qn_why why);

#endif
