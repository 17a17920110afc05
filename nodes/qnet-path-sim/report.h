/* What qnet-path-sim prints and writes. results: network by network, with guards, then without. */
#ifndef PATH_SIM_REPORT_H
#define PATH_SIM_REPORT_H

#include "sim.h"

void report(const sim_options *o, const sim_result *results, bool json);
/* reached.csv and reached.gp in a folder, which is made. False: said why on stderr. */
bool report_files(const sim_options *o, const sim_result *results, const char *folder);

#endif
