/**
 * Follows a page that a reader would follow: writes its files, runs its commands in two terminals, presses Ctrl-C where it
 * says so, and waits until each terminal shows what the page shows.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import * as Path from "node:path"

type Terminal = "first" | "second"
/** Where commands are run: in the clone, or where the program is. */
type Place = "clone" | "folder"

/** What a reader does. */
export type Step =
  | {
    readonly _tag: "Run"
    readonly terminal: Terminal
    readonly place: Place
    readonly commands: string
    readonly isShown: boolean
  }
  | { readonly _tag: "Write"; readonly file: string; readonly text: string }
  | { readonly _tag: "Interrupt"; readonly terminal: Terminal }
  | { readonly _tag: "See"; readonly terminal: Terminal; readonly lines: ReadonlyArray<string> }

/** A line without what is another one each time: the time, and the fiber. */
const plain = (line: string): string => line.replace(/^\[[\d:.]+\] (\w+) \(#\d+\): /, "$1 ")

/** The terminal that a text names last. */
const terminalIn = (text: string): Terminal | undefined => {
  const named = [...text.matchAll(/(first|second) terminal/g)].at(-1)?.[1]
  return named === "first" || named === "second" ? named : undefined
}

/** The terminal in which a text says to press Ctrl-C. */
const interruptedIn = (text: string): Terminal | undefined =>
  terminalIn(/Ctrl-C in the \w+ terminal/.exec(text)?.[0] ?? "")

/** The steps of a page in Markdown. A paragraph names the terminal, or the file, of the block that follows. */
export const steps = (page: string): ReadonlyArray<Step> => {
  const found: Array<Step> = []
  let terminal: Terminal = "first"
  const parts = page.split(/^```(.*)$/m)
  for (let i = 0; i + 3 < parts.length; i += 4) {
    const [prose = "", language = "", body = ""] = parts.slice(i, i + 3)
    const text = body.replace(/^\n/, "")
    const pressed = interruptedIn(prose)
    if (pressed !== undefined) found.push({ _tag: "Interrupt", terminal: pressed })
    terminal = terminalIn(prose) ?? terminal
    const isShown = parts[i + 5] === "text"
    if (language === "sh") {
      const place = prose.includes("In the clone") ? "clone" : "folder"
      found.push({ _tag: "Run", terminal, place, commands: text, isShown })
    } else if (language === "ts") {
      found.push({ _tag: "Write", file: /`(\w+\.ts)`/.exec(prose)?.[1] ?? "", text })
    } else {
      const lines = text.trim().split("\n").filter((line) => line !== "[...]").map(plain)
      found.push({ _tag: "See", terminal, lines })
    }
  }
  const last = interruptedIn(parts.at(-1) ?? "")
  if (last !== undefined) found.push({ _tag: "Interrupt", terminal: last })
  return found
}

export interface Options {
  readonly clone: string
  /** Where the program's folder is made. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  /** Milliseconds until something that should be seen is missed. */
  readonly patience: number
}

interface Shell {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
}

/** Printed when commands are done; no program prints it. */
const DONE = "the commands of this block are done"

/** A shell that reads commands. It ends with whoever opened it, and all that it runs with it, whatever becomes of that. */
const TERMINAL = "(cat <&3; kill -9 0) >/dev/null 2>&1 & exec sh -e 3<&-"

/** Follows the steps; fails at the first that does not go as the page says. */
export const follow = async (all: ReadonlyArray<Step>, options: Options): Promise<void> => {
  const { clone, env, patience } = options
  let { folder } = options
  const shells = new Map<Terminal, Shell>()
  const printed = { first: "", second: "" }
  let news = () => {}

  const open = (terminal: Terminal): Shell => {
    // a group of its own, as in a terminal: Ctrl-C reaches the shell and what it runs
    const child = spawn("sh", ["-c", TERMINAL], {
      cwd: folder,
      env,
      detached: true,
      stdio: ["pipe", "pipe", "pipe", "pipe"]
    })
    // closed by the last that could still print
    child.stdout?.once("close", () => child.stdio[3]?.destroy())
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        printed[terminal] += text
        news()
      })
    }
    const shell = {
      child,
      ended: new Promise<number | null>((resolve) => child.once("close", resolve)).finally(() => {
        if (shells.get(terminal) === shell) shells.delete(terminal)
        news()
      })
    }
    shells.set(terminal, shell)
    return shell
  }

  const signal = ({ child: { pid } }: Shell, name: NodeJS.Signals): void => {
    if (pid === undefined) return
    try {
      process.kill(-pid, name)
    } catch {
      // all of the group have ended
    }
  }

  const see = async (terminal: Terminal, lines: ReadonlyArray<string>): Promise<void> => {
    const until = Date.now() + patience
    for (;;) {
      const there = new Set(printed[terminal].split("\n").map(plain))
      const missing = lines.filter((line) => !there.has(line))
      if (missing.length === 0) return
      const rest = until - Date.now()
      if (rest <= 0 || !shells.has(terminal)) {
        throw new Error(`the ${terminal} terminal does not show "${missing.join("\" and \"")}": ${printed[terminal]}`)
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, rest)
        news = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  try {
    for (const step of all) {
      switch (step._tag) {
        case "Write":
          writeFileSync(Path.join(folder, step.file), step.text)
          break
        case "Run": {
          const { child } = shells.get(step.terminal) ?? open(step.terminal)
          if (step.place === "clone") child.stdin?.write(`cd "${clone}"\n`)
          child.stdin?.write(step.commands)
          if (step.isShown) break
          child.stdin?.write(`echo "${DONE}"\n`)
          await see(step.terminal, [DONE])
          printed[step.terminal] = ""
          if (step.place === "clone") child.stdin?.write(`cd "${folder}"\n`)
          // where the other terminal is opened
          folder = Path.resolve(folder, /^cd (.*)$/m.exec(step.commands)?.[1] ?? "")
          break
        }
        case "Interrupt": {
          const shell = shells.get(step.terminal)
          if (shell === undefined) throw new Error(`nothing runs in the ${step.terminal} terminal`)
          signal(shell, "SIGINT")
          await shell.ended
          break
        }
        case "See":
          await see(step.terminal, step.lines)
          // what was seen once is not news any more
          printed[step.terminal] = ""
      }
    }
  } finally {
    for (const shell of shells.values()) signal(shell, "SIGKILL")
    await Promise.all([...shells.values()].map(({ ended }) => ended))
  }
}
