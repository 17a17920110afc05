# gnuplot T-cdf.gp
set terminal pngcairo size 900,1000 font 'sans,11'
set output "T-cdf.png"
set datafile separator ","
set key bottom right
set ylabel "share of fetches (circuits)"
set yrange [0:1]
set xrange [0:*]
set grid
set multiplot layout 3,2
set title "first byte, fast"
set xlabel "seconds"
plot "T-cdf.csv" using (strcol(1) eq "first byte fast" ? $3/1000 : 1/0):($2/1000) with lines lw 2 title "simulated", \
     "" using (strcol(1) eq "first byte fast" ? $4/1000 : 1/0):($2/1000) with lines lw 2 dt 2 title "real"
set title "first byte, privacy"
set xlabel "seconds"
plot "T-cdf.csv" using (strcol(1) eq "first byte privacy" ? $3/1000 : 1/0):($2/1000) with lines lw 2 title "simulated", \
     "" using (strcol(1) eq "first byte privacy" ? $4/1000 : 1/0):($2/1000) with lines lw 2 dt 2 title "real"
set title "last byte, fast"
set xlabel "seconds"
plot "T-cdf.csv" using (strcol(1) eq "last byte fast" ? $3/1000 : 1/0):($2/1000) with lines lw 2 title "simulated", \
     "" using (strcol(1) eq "last byte fast" ? $4/1000 : 1/0):($2/1000) with lines lw 2 dt 2 title "real"
set title "last byte, privacy"
set xlabel "seconds"
plot "T-cdf.csv" using (strcol(1) eq "last byte privacy" ? $3/1000 : 1/0):($2/1000) with lines lw 2 title "simulated", \
     "" using (strcol(1) eq "last byte privacy" ? $4/1000 : 1/0):($2/1000) with lines lw 2 dt 2 title "real"
set title "circuit build"
set xlabel "seconds"
plot "T-cdf.csv" using (strcol(1) eq "circuit build" ? $3/1000 : 1/0):($2/1000) with lines lw 2 title "simulated", \
     "" using (strcol(1) eq "circuit build" ? $4/1000 : 1/0):($2/1000) with lines lw 2 dt 2 title "real"
unset multiplot
