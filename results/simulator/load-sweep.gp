# gnuplot load-sweep.gp writes load-sweep.png from load-sweep.csv
set terminal pngcairo size 700,1000 font 'sans,15'
set output 'load-sweep.png'
set datafile separator ','
set multiplot layout 3,1
set lmargin 10
set rmargin 3
set xrange [10:130]
set xtics 20
set yrange [0:*]
set grid
set key top left
of(name, scale) = strcol(2) eq name ? $4 / scale : NaN
low(name, scale) = strcol(2) eq name ? $5 / scale : NaN
high(name, scale) = strcol(2) eq name ? $6 / scale : NaN
set ylabel 'request to first byte (s)'
plot 'load-sweep.csv' using 1:(of('answer_ns.privacy.p95',1e9)):(low('answer_ns.privacy.p95',1e9)):(high('answer_ns.privacy.p95',1e9)) with yerrorbars lw 2 pt 7 lc rgb '#c04020' title 'p95', \
     '' using 1:(of('answer_ns.privacy.p50',1e9)):(low('answer_ns.privacy.p50',1e9)):(high('answer_ns.privacy.p50',1e9)) with yerrorbars lw 2 pt 5 lc rgb '#2060a0' title 'median'
set ylabel 'uplink in use (%)'
set key bottom right
set yrange [0:110]
plot x with lines lw 1 dt 2 lc rgb '#808080' title 'as asked for', \
     'load-sweep.csv' using 1:(of('loads.relays.busiest_permille',10)):(low('loads.relays.busiest_permille',10)):(high('loads.relays.busiest_permille',10)) with yerrorbars lw 2 pt 7 lc rgb '#c04020' title 'fullest relay', \
     '' using 1:(of('loads.relays.permille',10)):(low('loads.relays.permille',10)):(high('loads.relays.permille',10)) with yerrorbars lw 2 pt 5 lc rgb '#2060a0' title 'all relays'
set yrange [0:*]
set key top left
set ylabel 'waiting to be sent (KiB)'
set xlabel 'load asked for (%), people'
plot 'load-sweep.csv' using 1:(of('loads.relays.queued_bytes.p95',1024)):(low('loads.relays.queued_bytes.p95',1024)):(high('loads.relays.queued_bytes.p95',1024)) with yerrorbars lw 2 pt 7 lc rgb '#c04020' title 'p95', \
     '' using 1:(of('loads.relays.queued_bytes.p50',1024)):(low('loads.relays.queued_bytes.p50',1024)):(high('loads.relays.queued_bytes.p50',1024)) with yerrorbars lw 2 pt 5 lc rgb '#2060a0' title 'median'
unset multiplot
