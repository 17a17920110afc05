# Bulk over one machine's loopback: gnuplot speed.gp draws speed.png from speed.tsv.
set terminal pngcairo size 960,540 font "sans,11"
set output "speed.png"
set title "Bulk over one machine's loopback\nAMD EPYC, 3 round(s), medians; bars: min to max"
set ylabel "10^6 bytes a second"
set yrange [0:*]
set style data histogram
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.8 noborder
set xtics rotate by -25 scale 0
set grid ytics
set key outside top center horizontal
plot "speed.tsv" skip 1 using 2:3:4:xtic(1) title "1 stream", \
     "speed.tsv" skip 1 using 5:6:7:xtic(1) title "8 streams", \
     "speed.tsv" skip 1 using 8:9:10:xtic(1) title "64 streams", \
     "speed.tsv" skip 1 using 11:12:13:xtic(1) title "upload"
