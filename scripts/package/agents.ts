/** Two agents of a command line: they find each other, one is killed and seen to fail, and the other one is stopped. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { freePorts } from "../ports.ts"

export interface Outcome {
  /** What did not go as it should. */
  readonly complaints: ReadonlyArray<string>
  /** With what SIGTERM ended the agent that was left. */
  readonly exitCode: number | null
  /** Milliseconds until the first agent answered. */
  readonly started: number
}

const PATIENCE = 30_000

/** Asks until the answer is right; what it was otherwise. */
const eventually = async (
  what: string,
  ask: () => Promise<string> | string,
  isRight: (answer: string) => boolean
): Promise<ReadonlyArray<string>> => {
  const until = Date.now() + PATIENCE
  for (;;) {
    const answer = await Promise.resolve().then(ask).catch(String)
    if (isRight(answer)) return []
    if (Date.now() > until) return [`${what}: ${answer.trim()}`]
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The states of members by name, as `members --json` has them. */
const states = (answer: string): Readonly<Record<string, string>> => {
  try {
    const members: ReadonlyArray<{ readonly name: string; readonly state: string }> = JSON.parse(answer)
    return Object.fromEntries(members.map(({ name, state }) => [name, state]))
  } catch {
    return {}
  }
}

/** Tries the command, which is `effect-memberlist` or stands for it. */
export const attempt = async (
  [program = "", ...first]: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }
): Promise<Outcome> => {
  const [a = 0, b = 0, httpA = 0, httpB = 0] = await freePorts(4)
  const env = { ...options.env, NO_COLOR: "1" }
  const complaints: Array<string> = []
  const logs = new Map<string, string>()
  const children: Array<ChildProcess> = []
  const start = (name: string, port: number, http: number, ...rest: ReadonlyArray<string>) => {
    const child = spawn(program, [
      ...first,
      "agent",
      "--name",
      name,
      "--bind",
      `127.0.0.1:${port}`,
      "--http",
      `127.0.0.1:${http}`,
      "--profile",
      "local",
      ...rest
    ], { cwd: options.cwd, env, stdio: ["ignore", "pipe", "pipe"] })
    children.push(child)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => logs.set(name, `${logs.get(name) ?? ""}${text}`))
    }
    return new Promise<number | null>((resolve) => {
      child.once("error", (error) => {
        logs.set(name, String(error))
        resolve(null)
      })
      child.once("close", resolve)
    })
  }
  const members = (): string => {
    const { stderr, stdout } = spawnSync(
      program,
      [...first, "members", "--state", "all", "--json", "--http", `127.0.0.1:${httpA}`],
      { cwd: options.cwd, env, encoding: "utf8", timeout: PATIENCE }
    )
    return `${stdout}${stderr}`
  }
  const see = async (what: string, expected: Readonly<Record<string, string>>) =>
    complaints.push(
      ...await eventually(what, members, (answer) => JSON.stringify(states(answer)) === JSON.stringify(expected))
    )
  try {
    const began = performance.now()
    const ended = start("a", a, httpA)
    complaints.push(
      ...await eventually(
        "an agent does not answer",
        async () => String((await fetch(`http://127.0.0.1:${httpA}/health/live`)).status),
        (status) => status === "200"
      )
    )
    const started = performance.now() - began
    const crashed = start("b", b, httpB, "--join", `127.0.0.1:${a}`)
    await see("members do not find each other", { a: "alive", b: "alive" })
    const page = await fetch(`http://127.0.0.1:${httpA}/`).then((response) => response.text(), String)
    if (!page.includes("</html>")) complaints.push(`the status page is not served: ${page.slice(0, 200)}`)
    children[1]?.kill("SIGKILL")
    await crashed
    await see("a killed member is not seen to fail", { a: "alive", b: "dead" })
    children[0]?.kill("SIGTERM")
    const exitCode = await Promise.race([
      ended,
      new Promise<null>((resolve) => setTimeout(resolve, PATIENCE, null).unref())
    ])
    if (exitCode !== 0) complaints.push(`SIGTERM ends an agent with ${exitCode}, and not with 0`)
    if (!/left the cluster/.test(logs.get("a") ?? "")) complaints.push("an agent does not leave when it is stopped")
    if (/ ERROR /.test(logs.get("a") ?? "")) complaints.push("an agent logs an error")
    if (complaints.length > 0) complaints.push(...[...logs].map(([name, log]) => `the log of ${name}: ${log}`))
    return { complaints, exitCode, started }
  } finally {
    for (const child of children) child.kill("SIGKILL")
  }
}
