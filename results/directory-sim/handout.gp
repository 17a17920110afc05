# gnuplot handout.gp writes handout.png from handout.csv
set terminal pngcairo size 1000,520 font 'sans,11'
set output 'handout.png'
set datafile separator ','
set multiplot layout 1,2
set bmargin 10
set xlabel 'day since the censor''s accounts came'
set xrange [0:180]
set yrange [0:105]
set grid
set key at screen 0.48,0.17 right top maxrows 5
set ylabel 'entries the censor has seen (%)'
set title '1,000 entries, k accounts, nothing blocked'
plot 100 lw 2 lc rgb '#888888' title 'plain GET of a list, any k', \
     'handout.csv' every ::1 using 1:14 with lines lw 2 lc rgb '#c04020' title 'rationed, k = 1000', \
     '' every ::1 using 1:8 with lines lw 2 lc rgb '#2060a0' title 'k = 100', \
     '' every ::1 using 1:2 with lines lw 2 lc rgb '#208040' title 'k = 10'
set ylabel 'people whose entry works (%)'
set key at screen 0.98,0.17 right top maxrows 5
set title 'what is seen is blocked; 2,000 people'
plot 'handout.csv' every ::1 using 1:4 with lines lw 2 lc rgb '#208040' title 'k = 10', \
     '' every ::1 using 1:12 with lines lw 2 dt 2 lc rgb '#2060a0' title 'k = 100, young wait', \
     '' every ::1 using 1:10 with lines lw 2 lc rgb '#2060a0' title 'k = 100, all ask weekly', \
     '' every ::1 using 1:18 with lines lw 2 dt 2 lc rgb '#c04020' title 'k = 1000, young wait', \
     '' every ::1 using 1:16 with lines lw 2 lc rgb '#c04020' title 'k = 1000, all ask weekly'
unset multiplot
