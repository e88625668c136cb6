/**
 * The command line `effect-memberlist`: its commands, and how a run of it ends.
 *
 * What a command does lies in a file of its own, which is loaded when the command is called: `members` waits for no
 * code of `agent`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Argument from "effect/cli/Argument"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PlainText from "../../base/PlainText.ts"
import * as SeedText from "../../base/SeedText.ts"
import type { Screen } from "./Columns.ts"
import { CommandFailed, failure, ofCommandLine, USAGE, usage } from "./CommandFailed.ts"
import * as Flags from "./Flags.ts"
import * as Help from "./Help.ts"
import * as Output from "./Output.ts"
import type { Signalled } from "./Signalled.ts"

/** The first argument of a member of the demo. */
export const DEMO_MEMBER = "demo-member"

/** What stands before the arguments when this program is started again: nothing where it is one file with Node.js. */
const script = (): ReadonlyArray<string> =>
  // which Bun and Deno do not know
  process.getBuiltinModule("node:sea")?.isSea() === true ? [] : [process.argv[1] ?? ""]

const keygen = Command.make("keygen", {
  bits: Flag.Literals("bits", ["128", "192", "256"]).pipe(
    Flag.withDescription("The key's length; default 256"),
    Flag.withDefault("256" as const),
    Flag.map(Number)
  ),
  out: Flag.String("out").pipe(
    Flag.withMetavar("PATH"),
    Flag.withDescription("Write it to a new file that only you may read, and print nothing secret"),
    Flag.optional
  ),
  json: Flags.json
}, (options) => Effect.flatMap(Effect.promise(() => import("./commands/Keygen.ts")), ({ keygen }) => keygen(options)))
  .pipe(
    Command.withDescription("Make a new key for a cluster's gossip")
  )

const overview = Effect.promise(() => import("./commands/Overview.ts"))

const members = Command.make("members", {
  state: Flag.Literals("state", ["live", "all", "alive", "suspect", "dead", "left", "lost"]).pipe(
    Flag.withDescription(
      "Which members; live, the default, are alive or suspect, and lost are the dead that may come back"
    ),
    Flag.withDefault("live" as const)
  ),
  ...Flags.remote
}, (options) => Effect.flatMap(overview, ({ members }) => members(options))).pipe(
  Command.withDescription("List the members that an agent sees"),
  Command.withAlias("ls")
)

const info = Command.make(
  "info",
  Flags.remote,
  (options) => Effect.flatMap(overview, ({ info }) => info(options))
).pipe(Command.withDescription("Show what an agent is, and how it is"))

const monitor = Command.make(
  "monitor",
  {
    topic: Flag.String("topic").pipe(
      Flag.withMetavar("TOPIC"),
      Flag.withDescription("Show the values of a topic, in place of events"),
      Flag.filter((topic) => topic !== "", () => "the name of a topic"),
      Flag.optional
    ),
    messages: Flag.Boolean("messages").pipe(
      Flag.withDescription("Show the messages that are sent to the agent's member, in place of events"),
      Flag.withDefault(false)
    ),
    ...Flags.remote
  },
  (options) => Effect.flatMap(Effect.promise(() => import("./commands/Monitor.ts")), ({ monitor }) => monitor(options))
).pipe(
  Command.withDescription("Show what happens in the cluster, as it happens")
)

const top = Command.make(
  "top",
  { http: Flags.http },
  (options) => Effect.flatMap(Effect.promise(() => import("./commands/Top.ts")), ({ top }) => top(options))
).pipe(Command.withDescription("Watch the cluster on a terminal"))

const actions = Effect.promise(() => import("./commands/Actions.ts"))

const join = Command.make(
  "join",
  { seeds: Flags.seeds, ...Flags.remote },
  (options) => Effect.flatMap(actions, ({ join }) => join(options))
).pipe(Command.withDescription("Let an agent join through seeds; after a leave, the way back"))

const leave = Command.make(
  "leave",
  Flags.remote,
  (options) => Effect.flatMap(actions, ({ leave }) => leave(options))
).pipe(Command.withDescription("Let an agent say goodbye; it goes on running, outside of the cluster"))

const updateMeta = Command.make(
  "update-meta",
  { meta: Flags.meta, ...Flags.remote },
  (options) => Effect.flatMap(actions, ({ updateMeta }) => updateMeta(options))
).pipe(Command.withDescription("Replace an agent's metadata"))

const publish = Command.make("publish", {
  topic: Argument.String("topic").pipe(
    Argument.withDescription("The topic's name"),
    Argument.filter((topic) => topic !== "", () => "the name of a topic")
  ),
  message: Flags.message,
  ...Flags.remote
}, (options) => Effect.flatMap(actions, ({ publish }) => publish(options))).pipe(
  Command.withDescription("Publish a message to all agents that take part in a topic")
)

const send = Command.make("send", {
  name: Flags.member,
  message: Flags.message,
  reliable: Flag.Boolean("reliable").pipe(
    Flag.withDescription("Over a stream, in full; else in one packet, which may be lost"),
    Flag.withDefault(false)
  ),
  ...Flags.remote
}, (options) => Effect.flatMap(actions, ({ send }) => send(options))).pipe(
  Command.withDescription("Send a message to one member's application")
)

const ping = Command.make("ping", {
  name: Flags.member,
  count: Flag.Int("count").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("How many times, one second apart; default 1"),
    Flag.withDefault(1),
    Flag.filter((count) => count >= 1, () => "a number from 1 up")
  ),
  ...Flags.remote
}, (options) => Effect.flatMap(actions, ({ ping }) => ping(options))).pipe(
  Command.withDescription("Measure the round trip from an agent to a member")
)

const why = Command.make(
  "why",
  { name: Flags.member, ...Flags.remote },
  (options) => Effect.flatMap(Effect.promise(() => import("./commands/Explain.ts")), ({ why }) => why(options))
).pipe(Command.withDescription("Explain a member's state, path by path"))

const rotation = Effect.promise(() => import("./commands/Rotation.ts"))

const fleet = {
  all: Flag.Boolean("all").pipe(
    Flag.withDescription("At every live member, whose agents listen at the same port and take the same token"),
    Flag.withDefault(false)
  ),
  ...Flags.remote
}

const fingerprint = Argument.String("fingerprint").pipe(
  Argument.withDescription("The key's fingerprint, or its beginning, as keys list shows it"),
  Argument.filterMap(
    (text) => /^[0-9a-f]{4,64}$/i.test(text) ? Option.some(text) : Option.none(),
    () => "at least 4 hexadecimal digits, as keys list shows them"
  )
)

const partial = Flag.Boolean("partial").pipe(
  Flag.withDescription(
    "With --all: also where members cannot be asked, such as Go programs, that are prepared already"
  ),
  Flag.withDefault(false)
)

const keys = Command.make("keys").pipe(
  Command.withDescription("See and change the keys of agents"),
  Command.withSubcommands([
    Command.make("list", fleet, (options) => Effect.flatMap(rotation, ({ list }) => list(options))).pipe(
      Command.withDescription("List keys by their fingerprints")
    ),
    Command.make("add", {
      source: Argument.String("file").pipe(
        Argument.withDescription("The file that has the key in base64; - for standard input")
      ),
      use: Flag.Boolean("use").pipe(
        Flag.withDescription("Seal with it at once"),
        Flag.withDefault(false)
      ),
      ...fleet
    }, (options) => Effect.flatMap(rotation, ({ add }) => add(options))).pipe(
      Command.withDescription("Add a key, which opens what others seal with it")
    ),
    Command.make(
      "use",
      { fingerprint, partial, ...fleet },
      (options) => Effect.flatMap(rotation, ({ use }) => use(options))
    )
      .pipe(
        Command.withDescription("Seal with a key that was added")
      ),
    Command.make(
      "remove",
      { fingerprint, partial, ...fleet },
      (options) => Effect.flatMap(rotation, ({ remove }) => remove(options))
    ).pipe(Command.withDescription("Remove a key that nobody seals with any more"))
  ])
)

const doctor = Command.make("doctor", {
  members: Flags.member.pipe(
    Argument.withDescription("Members to look at, at most 16; without names 16 by chance"),
    Argument.variadic({ min: 0, max: 16 })
  ),
  names: Flag.String("seeds-dns").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("Look up this name too, more than once for several"),
    Flag.atLeast(0)
  ),
  bind: Flag.String("bind").pipe(
    Flag.withMetavar("IP:PORT"),
    Flag.withDescription("Where an agent would listen, for the case that none answers; default 0.0.0.0:7946"),
    Flag.withDefault("0.0.0.0:7946"),
    Flag.filterMap(Flags.bindAddress, () => Flags.BIND_EXPECTED)
  ),
  ...Flags.remote
}, (options) => Effect.flatMap(Effect.promise(() => import("./commands/Doctor.ts")), ({ doctor }) => doctor(options)))
  .pipe(
    Command.withDescription("Look for what keeps an agent from working, and say what to do")
  )

/** A text that is given: `--encrypt-file "$KEY"` without such a variable must not start without encryption. */
const written = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.filter((text) => text.trim() !== "", () => metavar),
    Flag.optional
  )

const place = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("IP:PORT"),
    Flag.withDescription(description),
    Flag.filterMap(Flags.bindAddress, () => Flags.BIND_EXPECTED),
    Flag.optional
  )

const agent = Command.make("agent", {
  name: written("name", "NAME", "The member's name; default the host's"),
  bind: place("bind", "Where it listens for members by UDP and TCP; default 0.0.0.0:7946"),
  advertise: place("advertise", "Where members reach it, if that is elsewhere"),
  join: Flag.String("join").pipe(
    Flag.withMetavar("ADDRESS"),
    Flag.withDescription("A seed, [name/]host[:port]; more than once for several"),
    Flag.filterMap(Flags.asSeed, () => SeedText.expected),
    Flag.atLeast(0)
  ),
  seedsDns: written(
    "seeds-dns",
    "NAME",
    "A DNS name whose addresses are the seeds; of a service where it begins with _"
  ),
  profile: Flag.Literals("profile", ["lan", "wan", "local"]).pipe(
    Flag.withDescription("The preset of its timing, MEMBERLIST_PRESET; default lan"),
    Flag.optional
  ),
  encryptFile: written("encrypt-file", "PATH", "The file with the gossip key in base64, as keygen writes it"),
  label: written("label", "LABEL", "The cluster's label: packets with another are refused"),
  meta: Flag.String("meta").pipe(
    Flag.withMetavar("JSON"),
    Flag.withDescription("The member's metadata as JSON"),
    Flag.filter((text) => Option.isSome(Flags.jsonValue(text)), () => Flags.JSON_EXPECTED),
    Flag.optional
  ),
  http: Flag.String("http").pipe(
    Flag.withMetavar("HOST:PORT"),
    Flag.withDescription(
      `Where it listens for commands; default ${Flags.DEFAULT_HTTP}; elsewhere than on loopback it needs a token`
    ),
    Flag.filter(Flags.isListenAddress, () => `HOST:PORT, as in ${Flags.DEFAULT_HTTP}; port 0 takes a free one`),
    Flag.optional
  ),
  snapshot: written("snapshot", "PATH", "The file in which it remembers members across restarts"),
  logFormat: Flag.Literals("log-format", ["pretty", "json"]).pipe(
    Flag.withDescription("How it logs; default pretty"),
    Flag.optional
  ),
  config: written("config", "PATH", "A file of JSON with settings; flags and variables come before it")
}, (options) =>
  Effect.gen(function*() {
    const logLevel = yield* GlobalFlag.LogLevel
    const { serve } = yield* Effect.promise(() => import("./commands/AgentProcess.ts"))
    return yield* serve({ ...options, logLevel })
  })).pipe(
    Command.withDescription(
      "Run an agent: a member of the cluster that commands and HTTP can ask. All settings are also variables "
        + "(MEMBERLIST_NAME …, docs/agent.md); keys and tokens come by file or environment alone"
    ),
    Command.withShortDescription("Run an agent: a member of the cluster that commands and HTTP can ask")
  )

const demo = Command.make("demo", {
  nodes: Flag.Int("nodes").pipe(
    Flag.withDescription("How many members to start (3‥50); one is killed and returns, one leaves; default 5"),
    Flag.filter((n) => n >= 3 && n <= 50, () => "a number of members from 3 to 50"),
    Flag.withDefault(5)
  ),
  log: Flag.Boolean("log").pipe(
    Flag.withDescription("Lines in place of the picture, as when standard output is no terminal"),
    Flag.withDefault(false)
  ),
  json: Flags.json
}, (options) =>
  Effect.flatMap(Effect.promise(() => import("../demo/Demo.ts")), ({ run }) =>
    // this program again, with a word that no command has
    Effect.mapError(
      run({ ...options, member: [...script(), DEMO_MEMBER] }),
      (error) => failure(error._tag, error.message)
    )))
  .pipe(
    Command.withDescription("Watch a cluster of processes on this machine, of which one is killed and one leaves")
  )

/** It is made of tools that are not published: who looks for it is told where it is. */
const SIMULATE = "simulate is not in the package: in a clone of the repository, npm ci && npm run simulate -- --help; "
  + "your own program can be simulated by effect-memberlist/testing (docs/simulation.md)"

const simulate = Command.make("simulate", {}, () => Effect.fail(usage(SIMULATE))).pipe(
  Command.withDescription(`Clusters' bad days from seeds. Not in the package: it tells how to run it. ${SIMULATE}`),
  Command.withShortDescription("Clusters' bad days from seeds; not in the package: it tells how to run it")
)

const amount = (
  name: string,
  metavar: string,
  description: string,
  read: (text: string) => Option.Option<number>,
  expected: string
) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.filterMap(read, () => expected)
  )

const plan = Command.make("plan", {
  members: Flag.Int("members").pipe(
    Flag.withMetavar("NUMBER"),
    Flag.withDescription("The most members there will be")
  ),
  detect: Flags.durationFlag(
    "detect",
    "The time within which 99 of 100 failures are known to every member, such as 5s"
  ),
  budget: amount(
    "budget",
    "RATE",
    "The most that a member may send while nothing happens: bytes in a second, such as 20kB/s; default no limit",
    Flags.byteRate,
    "bytes in a second, such as 20kB/s or 20000"
  ).pipe(Flag.optional),
  loss: amount(
    "loss",
    "SHARE",
    "The share of packets that the network loses, such as 1% or 0.01; default 0",
    Flags.share,
    "a share, such as 1% or 0.01"
  )
    .pipe(Flag.optional),
  roundTrip: Flags.durationFlag("round-trip", "How long 99 of 100 packets take there and back; default 10ms").pipe(
    Flag.optional
  ),
  falsePositives: Flag.Finite("false-positives").pipe(
    Flag.withMetavar("NUMBER"),
    Flag.withDescription("Wrong verdicts that are accepted, per member and day; default 0.001"),
    Flag.optional
  ),
  pause: Flags.durationFlag("pause", "A pause after which a member must still be one, such as 2s").pipe(Flag.optional),
  nameBytes: Flag.Int("name-bytes").pipe(
    Flag.withMetavar("NUMBER"),
    Flag.withDescription("Bytes of a name; default 16"),
    Flag.optional
  ),
  metaBytes: Flag.Int("meta-bytes").pipe(
    Flag.withMetavar("NUMBER"),
    Flag.withDescription("Bytes of metadata; default 0"),
    Flag.optional
  ),
  encrypted: Flag.Boolean("encrypted").pipe(
    Flag.withDescription("The cluster has a key"),
    Flag.withDefault(false)
  ),
  json: Flags.json
}, (options) => Effect.flatMap(Effect.promise(() => import("./commands/Proposal.ts")), ({ plan }) => plan(options)))
  .pipe(
    Command.withDescription("Plan the settings for what is wanted of a cluster, and tell what they will give")
  )

const root = Command.make("effect-memberlist").pipe(
  Command.withDescription("Run a member of a cluster, and see and change what it knows"),
  Command.withSubcommands([
    { group: "Run", commands: [agent, keygen, plan] },
    { group: "See", commands: [members, info, monitor, top, why, doctor] },
    { group: "Change", commands: [join, leave, updateMeta, keys] },
    { group: "Send", commands: [publish, send, ping] },
    { group: "Try", commands: [demo, simulate] }
  ])
)

/** What the commands may use of their surroundings; a terminal, files, and no other programs. */
type Environment = Command.Environment

/** Tells of a command that failed: one line on standard error, or an object of JSON. */
const report = ({ message, reason }: CommandFailed, isJson: boolean): Effect.Effect<void> =>
  Console.error(
    isJson ? PlainText.json({ error: reason, message }) : `effect-memberlist: ${PlainText.sentence(message)}`
  )

/** Help, and mistakes in one line: a page of help would hide what is wrong. */
const presenter = (isJson: boolean, screen: Screen): CliOutput.Presenter => ({
  present: (event) => {
    switch (event._tag) {
      case "Help":
        return Console.log(Help.text(event.helpDoc, screen))
      case "Version":
        return Console.log(isJson ? PlainText.json({ version: event.version }) : event.version)
      case "InvalidInvocation":
        return report(ofCommandLine(event.commandPath, event.errors), isJson)
    }
  }
})

/** Where somebody looks for mistakes of this program itself. */
const isDetailed = (args: ReadonlyArray<string>): boolean =>
  args.some((arg, i) =>
    /^(--log-level=)?(all|trace|debug)$/.test(arg) && (arg.includes("=") || args[i - 1] === "--log-level")
  )

/**
 * Runs a command line, prints what it has to say, and returns the exit code.
 *
 * @category running
 * @since 0.1.0
 */
export const run = (
  args: ReadonlyArray<string>,
  version: string
): Effect.Effect<number, never, Environment | Signalled> => {
  const isJson = args.includes("--json")
  // a word that many programs know
  const asked = args[0] === "help" ? [...args.slice(1), "--help"] : args
  const failed = Effect.fnUntraced(function*(cause: Cause.Cause<CommandFailed | CliError.CliError>) {
    if (Cause.hasInterruptsOnly(cause)) return yield* Effect.interrupt
    const error = Cause.squash(cause)
    if (CliError.isCliError(error) && error._tag === "ShowHelp") return USAGE
    const told = error instanceof CommandFailed
      ? error
      : failure("Unexpected", `${error instanceof Error ? error.message : String(error)} (more by --log-level debug)`)
    yield* report(told, isJson)
    if (isDetailed(args)) yield* Console.error(Cause.pretty(cause))
    return told.exitCode
  })
  const running = Effect.as(Command.runWith(root, { version })(asked), 0)
  return Effect.flatMap(
    Output.screen,
    (screen) => Effect.provideService(running, CliOutput.Presenter, presenter(isJson, screen))
  ).pipe(
    Effect.catchCause(failed),
    Effect.provide(CliConfig.layer({
      builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel]
    }))
  )
}
