/** A node in a process: ours, or one of Go's memberlist. */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Told } from "./Told.ts"

export type Kind = "on" | "off" | "go"

/** `quick` is for ours alone. */
export type Speed = "lan" | "quick"

export interface Process {
  readonly name: string
  readonly address: string
  readonly told: ReadonlyArray<Told>
  readonly say: (command: string) => void
  readonly signal: (signal: NodeJS.Signals) => void
  readonly end: () => Promise<void>
}

const folder = fileURLToPath(new URL(".", import.meta.url))

const ours = (recovery: "on" | "off") => (name: string, speed: Speed) => [
  process.execPath,
  `${folder}member.ts`,
  name,
  recovery,
  speed
]

const commands: Readonly<Record<Kind, (name: string, speed: Speed) => ReadonlyArray<string>>> = {
  on: ours("on"),
  off: ours("off"),
  go: () => [`${folder}../interop/go/bin/peer`]
}

/** Go tells accusations in its log only. */
const goLines = [
  ["accuses", /Suspect (\S+) has failed, no acks received/],
  ["declares", /Marking (\S+) as failed, suspect timeout reached/]
] as const

interface GoLine {
  readonly id?: number
  readonly result?: { readonly ip: string; readonly port: number; readonly members?: ReadonlyArray<object> }
  readonly event?: string
  readonly node?: { readonly name: string }
}

const fromGo = (line: string): Told | undefined => {
  const { event, id, node, result } = JSON.parse(line) as GoLine
  if (id === 1 && result !== undefined) return { what: "started", address: `${result.ip}:${result.port}` }
  if (event === "failed" && node !== undefined) return { what: "loses", member: node.name, detail: "" }
  return undefined
}

/** Starts a node and waits until it listens. */
export const start = (kind: Kind, name: string, speed: Speed = "lan"): Promise<Process> =>
  new Promise((resolve, reject) => {
    const [program = "", ...args] = commands[kind](name, speed)
    const child = spawn(program, args, { stdio: "pipe" })
    const told: Array<Told> = []
    const ended = new Promise<void>((done) => child.once("exit", () => done()))
    child.once("error", reject)
    child.once("exit", (code) => reject(new Error(`${name} ended with code ${code}`)))
    child.stdin.on("error", () => undefined)
    const take = (line: Told): void => {
      if (line.what !== "started") return void told.push(line)
      resolve({
        name,
        address: line.address,
        told,
        say: (command) => {
          const [what = "", argument = ""] = command.split(" ")
          const go = JSON.stringify({ id: 2, cmd: what, addrs: [argument] })
          child.stdin.write(`${kind === "go" ? go : command}\n`)
        },
        signal: (signal) => void child.kill(signal),
        end: () => {
          child.kill("SIGKILL")
          return ended
        }
      })
    }
    createInterface({ input: child.stdout }).on("line", (line) => {
      const said = kind === "go" ? fromGo(line) : JSON.parse(line) as Told
      if (said !== undefined) take(said)
    })
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (kind !== "go") return void process.stderr.write(`${name}: ${line}\n`)
      for (const [what, pattern] of goLines) {
        const member = pattern.exec(line)?.[1]
        if (member !== undefined) take({ what, member, detail: line })
      }
    })
    if (kind === "go") child.stdin.write(`${JSON.stringify({ id: 1, cmd: "start", name, preset: "lan" })}\n`)
  })
