#compdef provost
# Completion of provost for zsh. The program itself computes the candidates, with the names of the running host or else of
# the config.
_provost() {
    local -a found
    found=(${(f)"$(${(Q)words[1]} __complete "${(@Q)words[2,CURRENT]}" 2> /dev/null)"})
    compadd -S '' -- ${(M)found:#*[/=:]}
    compadd -- ${found:#*[/=:]}
}
compdef _provost provost
