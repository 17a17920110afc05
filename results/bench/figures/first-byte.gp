# A new stream over a warm chain, to its first byte: gnuplot first-byte.gp draws first-byte.png from first-byte.tsv.
set terminal pngcairo size 960,540 font "sans,11"
set output "first-byte.png"
set title "A new stream over a warm chain, to its first byte\nAMD EPYC, 3 round(s), medians; bars: min to max"
set ylabel "milliseconds"
set logscale y
set style data histogram
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.8 noborder
set xtics rotate by -25 scale 0
set grid ytics
set key outside top center horizontal
plot "first-byte.tsv" skip 1 using 2:3:4:xtic(1) title "median", \
     "first-byte.tsv" skip 1 using 5:6:7:xtic(1) title "99th percentile"
