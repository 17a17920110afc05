# gnuplot loss.gp writes loss.png from loss.csv
set terminal pngcairo size 1000,450 font 'sans,11'
set output 'loss.png'
set datafile separator ','
set multiplot layout 1,2
set xlabel 'links over one line of 100 Mbit/s and 100 ms'
set logscale x 2
set xrange [0.8:10]
set xtics (1, 2, 4, 8)
set grid
set key top left
set ylabel 'all links together (Mbit/s)'
set logscale y
set yrange [0.5:100]
set title 'k links bring k times as much'
sel(t, l, v) = (strcol(1) eq t && strcol(2) eq l) ? v : NaN
plot 'loss.csv' using 3:(sel('M','0.1',$5)):6 with yerrorbars lw 2 pt 7 lc rgb '#2060a0' title '0.1 %, tier M', \
     '' using ($3*1.06):(sel('T','0.1',$5)):6 with yerrorbars lw 2 pt 6 lc rgb '#2060a0' title '0.1 %, tier T (3 seeds)', \
     '' using 3:(sel('M','1',$5)):6 with yerrorbars lw 2 pt 7 lc rgb '#c04020' title '1 %, tier M', \
     '' using ($3*1.06):(sel('T','1',$5)):6 with yerrorbars lw 2 pt 6 lc rgb '#c04020' title '1 %, tier T (3 seeds)'
unset logscale y
set yrange [0:4]
set ylabel 'page of 50 KiB, median (s)'
set title 'a page waits behind the download on its link (M)'
plot 'loss.csv' using 3:(sel('M','1',$7)):8 with yerrorbars lw 2 pt 7 lc rgb '#c04020' title '1 %, beside a download', \
     '' using 3:(sel('M','0.1',$7)):8 with yerrorbars lw 2 pt 7 lc rgb '#2060a0' title '0.1 %, beside a download', \
     '' using ($3*1.06):(sel('M','1',$9)):10 with yerrorbars lw 2 pt 6 lc rgb '#c04020' title '1 %, on a link of its own'
unset multiplot
