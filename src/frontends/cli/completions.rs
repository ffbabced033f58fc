//! `hlsnap completions SHELL`: scripts that complete commands, and the options of a command or, after a URL, of `snap`.

use clap_complete::Shell;

use super::args;

/// How the scripts of clap_complete read the first word.
const ZSH_COMMAND: &str = "        case $line[1] in\n";
const FISH_COMMAND: &str = "    if set -q argv[1]\n";

/// The script for a shell. clap_complete takes the first word for a command; it may be the URL of `hlsnap URL`.
pub(super) fn completions(shell: Shell) -> String {
    let mut command = args::command_without_url();
    let names: Vec<_> = command.get_subcommands().map(|command| command.get_name().to_owned()).chain(["help".to_owned()]).collect();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "hlsnap", &mut script);
    let script = String::from_utf8_lossy(&script);
    match shell {
        Shell::Zsh => {
            let or_snap = format!("        [[ $line[1] == ({}) ]] || line[1]=snap\n", names.join("|"));
            script.replacen(ZSH_COMMAND, &format!("{or_snap}{ZSH_COMMAND}"), 1)
        }
        Shell::Fish => script.replacen(FISH_COMMAND, &format!("    if contains -- \"$argv[1]\" {}\n", names.join(" ")), 1),
        _ => script.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// script/deb --check tries the scripts in the shells themselves.
    #[test]
    fn the_first_word_may_be_a_url() {
        let zsh = completions(Shell::Zsh);
        assert!(zsh.contains("[[ $line[1] == (snap|sheet|") && zsh.contains("|help) ]] || line[1]=snap\n        case $line[1] in\n"));
        let fish = completions(Shell::Fish);
        assert!(fish.contains("    if contains -- \"$argv[1]\" snap sheet ") && !fish.contains(FISH_COMMAND));
    }
}
