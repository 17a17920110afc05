# What carrying a GiB costs the chain (8 streams): gnuplot cpu.gp draws cpu.png from cpu.tsv.
set terminal pngcairo size 960,540 font "sans,11"
set output "cpu.png"
set title "What carrying a GiB costs the chain (8 streams)\nAMD EPYC, 3 round(s), medians; bars: min to max"
set ylabel "CPU seconds"
set yrange [0:*]
set style data histogram
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.8 noborder
set xtics rotate by -25 scale 0
set grid ytics
set key off
plot "cpu.tsv" skip 1 using 2:3:4:xtic(1) title "all processes of the chain"
