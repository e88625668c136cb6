/**
 * A network of this machine's own for one scenario: a switch, and hosts on it, each a network namespace. All of it is
 * apart from the machine's real network, and goes with the scope.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn, spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"

/** `ip` refused something. */
export class NetworkFailed extends Data.TaggedError("NetworkFailed")<{ readonly message: string }> {}

export interface Host {
  readonly ip: string
  /** What comes before a program's name to run it on this host. */
  readonly command: ReadonlyArray<string>
  /** Drops UDP that arrives from these hosts, silently; TCP is untouched. Also what has been sent already. */
  readonly dropUdpFrom: (...others: ReadonlyArray<Host>) => Effect.Effect<void, NetworkFailed>
}

export interface Network {
  /** A new host, the next free address on the switch. */
  readonly host: Effect.Effect<Host, NetworkFailed, Scope.Scope>
  /** Puts these hosts on a switch of their own: they reach one another, and nobody else. Nobody is told of anything. */
  readonly cutOff: (hosts: ReadonlyArray<Host>) => Effect.Effect<void, NetworkFailed>
  /** Switches the power off: every link is down, as its host sees. */
  readonly powerOff: Effect.Effect<void, NetworkFailed>
  /** Everybody is on one switch again, and every link is up. */
  readonly restore: Effect.Effect<void, NetworkFailed>
}

/** Every namespace of ours begins so, followed by the number of the process that made it. */
const PREFIX = "effect-memberlist-recovery"
const mine = `${PREFIX}-${process.pid}`
const FOLDER = "/run/netns"
const TWO_SWITCHES = ["left", "right"] as const

/** `ip` runs in a session of its own, so that Ctrl-C ends this program's work in order and not `ip` in the middle of it. */
const ip = (args: ReadonlyArray<string>, lines: ReadonlyArray<string> = []): Effect.Effect<void, NetworkFailed> =>
  Effect.uninterruptible(Effect.callback<void, NetworkFailed>((resume) => {
    const failed = (message: string) =>
      resume(
        Effect.fail(
          new NetworkFailed({ message: `ip ${args.join(" ")}${lines.map((line) => `; ${line}`).join("")}: ${message}` })
        )
      )
    const child = spawn("ip", args, { detached: true, stdio: ["pipe", "ignore", "pipe"] })
    let complaint = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (complaint += text))
    child.stdin.on("error", () => undefined)
    child.once("error", (error) => failed(error.message))
    child.once("close", (code) => code === 0 ? resume(Effect.void) : failed(complaint.trim() || `code ${code}`))
    child.stdin.end(lines.map((line) => `${line}\n`).join(""))
  }))

/** Several commands in one process, in a namespace. */
const within = (namespace: string, ...lines: ReadonlyArray<string>) => ip(["-n", namespace, "-batch", "-"], lines)

let made = 0

const namespace = Effect.acquireRelease(
  Effect.suspend(() => {
    const name = `${mine}-${++made}`
    return Effect.as(ip(["netns", "add", name]), name)
  }),
  (name) => Effect.ignore(ip(["netns", "delete", name]))
)

const makeHost = (hub: string, number: number): Effect.Effect<Host, NetworkFailed, Scope.Scope> =>
  Effect.gen(function*() {
    const name = yield* namespace
    const address = `10.111.0.${number}`
    yield* within(
      hub,
      `link add port${number} type veth peer name eth0 netns ${name}`,
      `link set port${number} master left`,
      `link set port${number} up`
    )
    yield* within(
      name,
      "link set lo up",
      `address add ${address}/24 dev eth0`,
      "link set eth0 up",
      // a place for rules before the one that delivers what is for this host
      "rule add pref 100 lookup local",
      "rule delete pref 0"
    )
    return {
      ip: address,
      command: ["ip", "netns", "exec", name],
      dropUdpFrom: (...others) =>
        within(name, ...others.map((other) => `rule add pref 50 iif eth0 from ${other.ip} ipproto udp blackhole`))
    }
  })

/** A switch without hosts. */
export const make: Effect.Effect<Network, NetworkFailed, Scope.Scope> = Effect.gen(function*() {
  const hub = yield* namespace
  yield* within(hub, ...TWO_SWITCHES.flatMap((name) => [`link add ${name} type bridge`, `link set ${name} up`]))
  let hosts = 0
  const portOf = (host: Host) => `port${host.ip.split(".").at(-1)}`
  const ports = () => Array.from({ length: hosts }, (_, i) => `port${i + 1}`)
  return {
    host: Effect.suspend(() => makeHost(hub, ++hosts)),
    cutOff: (some) => within(hub, ...some.map((host) => `link set ${portOf(host)} master right`)),
    powerOff: Effect.suspend(() => within(hub, ...ports().map((port) => `link set ${port} down`))),
    restore: Effect.suspend(() =>
      within(hub, ...ports().flatMap((port) => [`link set ${port} master left`, `link set ${port} up`]))
    )
  }
})

const namespaces = (): ReadonlyArray<string> => {
  try {
    return readdirSync(FOLDER).filter((name) => name.startsWith(`${PREFIX}-`))
  } catch {
    return []
  }
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Removes what runs left that were killed before they could clean up. */
export const sweep = (): void => {
  for (const name of namespaces()) {
    if (!isRunning(Number(name.slice(PREFIX.length + 1).split("-")[0]))) spawnSync("ip", ["netns", "delete", name])
  }
}

/** The namespaces of this run that are still there. */
export const left = (): ReadonlyArray<string> => namespaces().filter((name) => name.startsWith(`${mine}-`))

/** Why this machine cannot do it; nothing when it can. */
export const obstacle: Effect.Effect<string | undefined> = Effect.gen(function*() {
  if (process.platform !== "linux") return `network namespaces are Linux's, and this is ${process.platform}`
  if (process.getuid?.() !== 0) return "making network namespaces needs root"
  const trial = Effect.gen(function*() {
    const network = yield* make
    const [one, other] = [yield* network.host, yield* network.host]
    yield* one.dropUdpFrom(other)
  })
  return yield* Effect.match(Effect.scoped(trial), {
    onFailure: ({ message }) => `this machine refuses: ${message}`,
    onSuccess: () => undefined
  })
})
