# Completion of provost for fish. The program itself computes the candidates, with the names of the running host or else of
# the config.
function __provost_complete
    set -l words (commandline -opc) (commandline -ct)
    command $words[1] __complete $words[2..-1] 2> /dev/null
end
complete -c provost -f -a '(__provost_complete)'
