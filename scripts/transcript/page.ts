/**
 * `docs/cli.md`: every command, run against three agents, with what it printed.
 */
import * as AgentSettings from "../../src/agent/AgentSettings.ts"
import * as AgentProcess from "../../src/agent/cli/commands/AgentProcess.ts"
import { KEY, NEXT_KEY, type Options, Transcript } from "./cluster.ts"

/** Each flag of `agent` with its variables, and what these are called in the file. */
const flagTable = (): string => {
  const variables = new Map<string, Array<string>>()
  for (const [variable, flag] of Object.entries(AgentProcess.flags)) {
    variables.set(flag, [...variables.get(flag) ?? [], variable])
  }
  const inFile = (variable: string) => AgentSettings.nameInFile(variable) ?? "–"
  const code = (texts: ReadonlyArray<string>) => texts.map((text) => text === "–" ? text : `\`${text}\``).join(", ")
  const rows = [...variables].map(([flag, all]) => [`\`--${flag}\``, code(all), code(all.map(inFile))])
  // aligned as the formatter has it
  const all = [["flag", "variable", "in the file"], ...rows]
  const widths = [0, 1, 2].map((i) => Math.max(...all.map((row) => row[i]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>, fill = " ") =>
    `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0, fill)).join(" | ")} |`
  const [head = [], ...rest] = all
  return [line(head), line(["", "", ""], "-"), ...rest.map((row) => line(row))].join("\n")
}

const fenced = (lines: ReadonlyArray<string>): string => ["```text", ...lines, "```"].join("\n")

/** Runs all commands, and returns the page. It takes about half a minute, in which little is computed. */
export const render = async (): Promise<string> => {
  const transcript = await Transcript.make()
  const parts: Array<string> = []
  const say = (...text: ReadonlyArray<string>) => void parts.push(...text)
  const shown = async (command: string, options: Options = {}): Promise<string> => {
    const { code, printed } = await transcript.run(command, options)
    const ended = code === 0 || options.lines !== undefined ? [] : [`(exit code ${code})`]
    const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value} `).join("")
    return [`$ ${env}effect-memberlist ${command}`, printed.trimEnd().replace(/\n{3,}/g, "\n\n"), ...ended]
      .join("\n")
  }
  /** Runs commands one after the other, and shows them in one block. */
  const show = async (...commands: ReadonlyArray<string | readonly [command: string, options: Options]>) => {
    const lines: Array<string> = []
    for (const command of commands) {
      lines.push(typeof command === "string" ? await shown(command) : await shown(...command))
    }
    say(fenced(lines))
  }

  try {
    say(
      "# The command line",
      "This page is written by `npm run write-transcript`, which runs every command on it against three agents; a test does the"
        + " same and compares. Addresses are those of the loopback network of one machine.",
      "`effect-memberlist` runs an agent, and talks to agents by their HTTP API. It is a program of the package: where that"
        + " is [installed](quick-start.md#the-package), `npx effect-memberlist …` calls it; in a clone of the repository, after `npm ci`,"
        + " `npm exec -- node src/agent/cli/main.ts …`.",
      "## What all commands have in common",
      "- The agent is that of `--http HOST:PORT`, else of `MEMBERLIST_HTTP`, else the one at `127.0.0.1:7980`. Its token is"
        + " taken from `MEMBERLIST_HTTP_TOKEN`, or from the file of `MEMBERLIST_HTTP_TOKEN_FILE`: on the command line other users of the machine could read it.\n"
        + "- On a terminal there are tables, cut to its width, names with values, broken there, and colours (not with `NO_COLOR`). In a pipe or a file there are"
        + " values between tabs, whole, and times as dates. With `--json` there is JSON, of the same form as that of the HTTP"
        + " API.\n"
        + "- The exit code is 0 when the command did its work, 2 when it was called in a way that cannot work, 1 when it failed,"
        + " and 130 when Ctrl-C ended it (an agent ends with 0, and so does `top`, where Ctrl-C is one of the ways to quit). What is wrong is told in one line on standard error, with `--json` as"
        + " `{\"error\":…,\"message\":…}`. `--log-level debug` adds where it happened.\n"
        + "- Names and metadata of others are shown with whatever could steer a terminal written as its code point.\n"
        + "- `--help` at each command, `--version`, and `--completions bash|zsh|fish|powershell`, which prints a script:"
        + " `source <(effect-memberlist --completions bash)`."
    )

    say("## Run an agent", "A key for the gossip of a cluster; it is never printed when it goes to a file:")
    await show("keygen --out gossip.key")
    transcript.keep("gossip.key", KEY)
    const first = "agent --name web-1 --bind 127.0.0.1:7946 --http 127.0.0.1:7980 --encrypt-file gossip.key"
    const second = "agent --name web-2 --bind 127.0.0.2:7946 --http 127.0.0.2:7980 --encrypt-file gossip.key"
      + " --join 127.0.0.1:7946 --meta '{\"role\":\"db\"}'"
    const third = second.replaceAll("web-2", "web-3").replaceAll("127.0.0.2", "127.0.0.3").replace(/ --meta.*/, "")
    await transcript.start(first)
    await transcript.start(second)
    await transcript.start(third)
    say(
      "An agent is a member of the cluster. SIGTERM and Ctrl-C end it: it says goodbye to the cluster, and its exit code is 0.",
      fenced([`$ effect-memberlist ${first}`, transcript.log("web-1").split("\n")[0] ?? ""]),
      "The other two of this page:",
      fenced([`$ effect-memberlist ${second}`, `$ effect-memberlist ${third}`]),
      "A service or a supervisor starts the program itself, `node_modules/.bin/effect-memberlist` or `node …/main.js`"
        + " ([as systemd does](../deploy/systemd/effect-memberlist.service)), and not `npx`: that does not pass SIGTERM on, so the agent"
        + " would go on without it, and its exit code on Ctrl-C is its own.",
      "Each flag is also a variable; a flag comes before its variable, and that before the file of `--config`, where a setting has the"
        + " name that stands last. [The agent](agent.md#settings) has more variables, and [Configuration](configuration.md) those of"
        + " the protocol; `MEMBERLIST_PROFILE` is one of those, and not the variable of `--profile`.",
      flagTable()
    )
    for (const host of ["127.0.0.1", "127.0.0.2", "127.0.0.3"]) {
      await transcript.until(`info --http ${host}:7980`, /members +3 alive/)
    }
    await transcript.until("members", /^(?![^]*not heard yet)/)

    say("## See", "### members")
    await show("members", "members --state dead")
    say("### info")
    await show("info")
    say("### ping")
    await show("ping web-2", "ping web-3 --json")
    say("### keys list")
    await show("keys list", "keys list --all")
    say(
      "### doctor",
      "Looks for what keeps an agent from working, and changes nothing. The agent tries the ways to 16 members by chance, or to"
        + " those that are named (`doctor web-2`): pings by UDP and over streams, and with other agents each direction by itself, and"
        + " packets as long as packets may be ([how](agent.md#checks)). Members that are no agents, such as those in Go, are sent pings"
        + " alone. Keys and labels are also judged by what was refused since the start. The DNS name of the agent's seeds is"
        + " looked up from here, and those of `--seeds-dns`. The agent's part takes ten seconds at most; the exit code is 1 where a check fails."
    )
    await show("doctor")

    say(
      "### plan",
      "The settings for what is wanted of a cluster, and what they will give ([plan](plan.md)). It asks no agent. `--json` has the"
        + " variables for the environment of agents."
    )
    await show("plan --members 200 --detect 5s --budget 20kB/s --loss 1%", "plan --members 100 --detect 1s")

    say("## Change", "### update-meta", "Until the agent is started again: what it begins with is in its settings.")
    await show("update-meta '{\"role\":\"web\",\"zone\":\"b\"}'")
    say("### leave, and join", "The agent goes on running, outside of the cluster.")
    await show("leave --http 127.0.0.2:7980", "join 127.0.0.1:7946 --http 127.0.0.2:7980")
    say(
      "### keys",
      "A new key, without a gap: first all members can open what is sealed with it, then all seal with it, then the old one"
        + " goes. `--all` asks the agent of every live member at the same port, with the same token; several agents on one machine"
        + " have ports of their own, are told apart by their names, and are called one by one, with `--http`. Whoever listens"
        + " there gets the token and a new key: use it where members are trusted. Where one of them does not do it, the exit"
        + " code is 1.",
      "Each agent writes its keys to its [key file](agent.md#the-key-file), or says why it could not: that file must be"
        + " changed before a restart. With `--all`, `use` changes nothing while an agent lacks the key, and `remove` while"
        + " one uses it. Nor do they where a member cannot be asked, such as a Go program: give it the keys by its own"
        + " means, then go on with `--partial`. Members that are gone are told of by name, where the agent remembers them: change their"
        + " files before they start."
    )
    const fingerprints = [...(await transcript.run("keys list --json")).printed.matchAll(/"fingerprint":"(\w{8})/g)]
    const old = fingerprints[0]?.[1] ?? ""
    await show("keygen --out next.key")
    transcript.keep("next.key", NEXT_KEY)
    await show("keys add next.key --all")
    const next = [...(await transcript.run("keys list --json")).printed.matchAll(/"fingerprint":"(\w{8})/g)]
      .map(([, found]) => found).find((found) => found !== old) ?? ""
    await show(`keys use ${next} --all`, `keys remove ${old} --all`, "keys list")

    say(
      "## Send",
      "### publish",
      "To all agents that take part in a topic, here shown by a `monitor` in another terminal:"
    )
    const values = shown("monitor --topic news --http 127.0.0.2:7980", { lines: 1 })
    await transcript.isRead("127.0.0.2")
    await show("publish news 'a new version is out'")
    say(fenced([await values]))
    say("### send", "To one member's application, here shown by a `monitor` in another terminal:")
    const messages = shown("monitor --messages --http 127.0.0.2:7980", { lines: 1 })
    await transcript.isRead("127.0.0.2")
    await show("send web-2 'for you alone' --reliable")
    say(fenced([await messages]))

    say(
      "## When a member fails",
      "`monitor` shows it as it happens; first come the members there are. When the agent stops it says so once, tries again until"
        + " there is one (after 0.25 s, then twice as long each time, up to 5 s), and says for how long it saw nothing; Ctrl-C ends it:"
    )
    // three members, the suspicion, and the verdict
    const monitored = shown("monitor", { lines: 5 })
    await transcript.isRead("127.0.0.1")
    await transcript.signal("web-3", "SIGKILL")
    say(
      fenced([await monitored]),
      "### why",
      "What this agent knows about it, path by path; [verdicts](verdicts.md) explains the words."
    )
    await show("why web-3", "members --state all")
    say(
      "A member that failed without a goodbye is lost: it may come back, and agents look for it for a day"
        + " ([recovery](recovery.md)). Half a minute later `--state lost` still lists it."
    )
    await show("members --state lost")
    say(
      "### top",
      "The same as a picture that is drawn again and again, until `q`. It needs a terminal. While the agent does not answer, the last"
        + " line says so, and it tries again each second."
    )
    await show("top")

    say(
      "## Try",
      "`effect-memberlist demo` starts members on this machine, kills one and lets one leave, as a picture.",
      "Clusters' bad days from seeds, in virtual time, are not in the package; [simulation](simulation.md) has what is, for tests of"
        + " your own program."
    )
    await show("simulate")
    say("## What goes wrong")
    await show(
      "members --http 127.0.0.9:7980",
      "memebrs",
      "members --jsno",
      "join 10.0.0.5:99999",
      "update-meta '{role:web}'",
      "why web-9",
      "agent --name web-4 --bind 127.0.0.1:7946 --http 127.0.0.4:7980",
      "agent --name web-4 --bind 127.0.0.4:7946 --http 0.0.0.0:7980"
    )
    await transcript.start(
      "agent --name web-5 --bind 127.0.0.5:7946 --http 127.0.0.5:7980 --encrypt-file next.key",
      { MEMBERLIST_HTTP_TOKEN: "a-token-of-this-page" }
    )
    say("An agent with a token:")
    await show(
      "leave --http 127.0.0.5:7980",
      ["leave --http 127.0.0.5:7980", { env: { MEMBERLIST_HTTP_TOKEN: "another-token-of-it" } }]
    )

    const code = await transcript.signal("web-1", "SIGTERM")
    say(
      "## The end",
      "What the first agent logs on SIGTERM:",
      fenced([transcript.log("web-1").split("\n").at(-1) ?? "", `(exit code ${code})`])
    )
    return `${parts.join("\n\n")}\n`
  } finally {
    await transcript.close()
  }
}

/** Lines of `why` that depend on who was asked, and on who was first. */
const varying =
  /^(ping through|accused by|confirmed by|other answers|suspected for|by|own probe|incarnation|local health|ping by UDP|ping by TCP) .*\n/gm

/** A page without what differs from run to run: times, columns that follow from them, and who was first. */
export const stable = (page: string): string =>
  page
    .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, "DATE")
    .replace(/\[?\b\d\d:\d\d:\d\d\.\d{3}\b\]?/g, "TIME")
    .replace(/\(#\d+\)/g, "(#)")
    .replace(varying, "")
    .replace(/\b[\d.]+ ?(ms|s|min|h)\b/g, "SPAN")
    .replace(/"millis":[\d.]+/g, "\"millis\":SPAN")
    .replace(/(web-3 (suspected|failed)): .*/g, "$1: REASON")
    .replace(/\(\d+ times, (\d+) members?, \d+ confirmed\)/g, "(SENT)")
    .replace(
      /(UDP out, UDP in works?|UDP out, UDP in work|UDP out works|UDP in works|TCP works|all work|UDP out, TCP work|UDP in, TCP work|not heard yet)/g,
      "WAYS"
    )
    .replace(/^(event loop +)\w+ +.*$|^event loop: .*\n/gm, "$1")
    .replace(/^(local health +).*$/gm, "$1")
    .replace(/^TIME web-\d \(\S+\) joined$/gm, "TIME MEMBER joined")
    .replace(/^(last verdict +failed): .*$/gm, "$1: REASON")
    .replace(/^(published to news): .*$/gm, "$1: OTHERS")
    .replace(/local health \d+/g, "local health N")
    .replace(/127\.0\.0\.1:\d{5}\b/g, "127.0.0.1:PORT")
    .replace(/\b\d+ checks\b/g, "N checks")
    .replace(/[ \t]+/g, " ")
    .replace(/ $/gm, "")
