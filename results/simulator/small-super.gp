# gnuplot small-super.gp writes small-super.png from small-super.csv
set terminal pngcairo size 700,760 font 'sans,15'
set output 'small-super.png'
set datafile separator ','
set multiplot layout 2,1
set lmargin 10
set rmargin 3
set xrange [0:650]
set xtics 100
set yrange [0:*]
set grid
set key top left
of(core, name, scale) = (strcol(2) eq core && strcol(3) eq name) ? $5 / scale : NaN
low(core, name, scale) = (strcol(2) eq core && strcol(3) eq name) ? $6 / scale : NaN
high(core, name, scale) = (strcol(2) eq core && strcol(3) eq name) ? $7 / scale : NaN
page = 'ttlb_ns.fast.1MiB.p95'
line = 'loads.super.permille'
busy = 'cpu.super.busiest_permille'
held = 'memory.super.peak_bytes'
set ylabel '1 MiB, p95 (s)'
plot 'small-super.csv' using ($1-4):(of('100 %',page,1e9)):(low('100 %',page,1e9)):(high('100 %',page,1e9)) with yerrorbars lw 2 pt 7 lc rgb '#2060a0' title 'a core', \
     '' using ($1+4):(of('5 %',page,1e9)):(low('5 %',page,1e9)):(high('5 %',page,1e9)) with yerrorbars lw 2 pt 5 lc rgb '#c04020' title 'a twentieth of a core'
set ylabel 'in use (%)'
set yrange [0:170]
set key top left
set xlabel 'users, 0.5 Mbit/s each'
plot 'small-super.csv' using 1:(of('100 %',line,10)):(low('100 %',line,10)):(high('100 %',line,10)) with yerrorbars lw 2 pt 7 lc rgb '#404040' title '200 Mbit/s uplink', \
     '' using 1:(of('5 %',busy,10)):(low('5 %',busy,10)):(high('5 %',busy,10)) with yerrorbars lw 2 pt 5 lc rgb '#c04020' title 'a twentieth of a core', \
     '' using 1:(of('100 %',busy,10)):(low('100 %',busy,10)):(high('100 %',busy,10)) with yerrorbars lw 2 pt 7 lc rgb '#2060a0' title 'a core', \
     '' using 1:(of('100 %',held,2684354.56)):(low('100 %',held,2684354.56)):(high('100 %',held,2684354.56)) with yerrorbars lw 2 pt 9 lc rgb '#208040' title '256 MiB'
unset multiplot
