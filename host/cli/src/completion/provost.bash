# Completion of provost for bash 4 and later. The program itself computes the candidates, with the names of the running host
# or else of the config.
_provost() {
    local line="${COMP_LINE:0:COMP_POINT}" program word quote="" prefix="" reply at
    local -a words=()
    program=$(type -P -- "${1/#\~/$HOME}") || return 0
    read -r -a words <<< "$line"
    [[ $line == *[[:blank:]] ]] && words+=("")
    for at in "${!words[@]}"; do
        word=${words[at]}
        case $word in
            [\'\"]*) quote=${word:0:1} word=${word:1} word=${word%"$quote"} ;;
            *) quote="" word=${word//\\/} ;;
        esac
        words[at]=$word
    done
    # Bash replaces only the text after the last of these characters.
    if [[ -z $quote ]]; then
        [[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && prefix=${word%"${word##*:}"}
        [[ $COMP_WORDBREAKS == *=* && ${word#"$prefix"} == *=* ]] && prefix=${word%"${word##*=}"}
    fi
    COMPREPLY=()
    while IFS= read -r reply; do
        reply=${reply#"$prefix"}
        [[ -z $quote && $reply != \~* ]] && printf -v reply %q "$reply"
        COMPREPLY+=("$reply")
    done < <(
        "$program" __complete "${words[@]:1}" 2> /dev/null
    )
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/:] ]]; then
        compopt -o nospace 2> /dev/null
    fi
    return 0
}
complete -F _provost provost
