# One byte on a stream kept open: gnuplot keystroke.gp draws keystroke.png from keystroke.tsv.
set terminal pngcairo size 960,540 font "sans,11"
set output "keystroke.png"
set title "One byte on a stream kept open\nAMD EPYC, 3 round(s), medians; bars: min to max"
set ylabel "milliseconds"
set logscale y
set style data histogram
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.8 noborder
set xtics rotate by -25 scale 0
set grid ytics
set key outside top center horizontal
plot "keystroke.tsv" skip 1 using 2:3:4:xtic(1) title "alone, median", \
     "keystroke.tsv" skip 1 using 5:6:7:xtic(1) title "beside a download, median", \
     "keystroke.tsv" skip 1 using 8:9:10:xtic(1) title "beside a download, 99th percentile"
