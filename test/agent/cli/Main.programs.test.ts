/** The program as a process: agents that run, signals, pipes and a terminal. Real time and ports; about 5 s of computing. */
import { spawn, spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { createServer } from "node:net"
import * as Path from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { Program } from "../../support/Program.ts"

const MAIN = "../src/agent/cli/main.ts"
const file = Path.resolve(import.meta.dirname, "../../../src/agent/cli/main.ts")

const programs: Array<Program> = []
const start = (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Program => {
  const program = new Program(MAIN, { args, env })
  programs.push(program)
  return program
}
afterAll(() => {
  for (const program of programs) program.kill()
})

/** An agent on free ports, and where it is. */
const agent = async (
  name: string,
  args: ReadonlyArray<string> = [],
  env: NodeJS.ProcessEnv = {},
  http = "127.0.0.1:0"
) => {
  const program = start(
    ["agent", "--name", name, "--bind", "127.0.0.1:0", "--http", http, "--profile", "local", ...args],
    env
  )
  const [, address = "", place = ""] = await program.prints(/members reach it at (\S+), HTTP at http:\/\/(\S+)/)
  return { program, address, http: place }
}

/** A command that ends by itself. */
const command = async (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}) => {
  const program = start(args, env)
  const code = await program.ended
  return { code, printed: program.printed.trim() }
}

describe("an agent", () => {
  it("is asked by commands, and leaves the cluster with exit code 0 when it is told to stop", async () => {
    const a = await agent("a")
    const b = await agent("b", ["--join", a.address, "--meta", "{\"role\":\"db\"}"])
    const watching = start(["monitor", "--http", a.http])
    await watching.prints(/b \(\S+\) joined/)

    const { code, printed } = await command(["members", "--http", a.http, "--json"])
    expect(code).toBe(0)
    expect(JSON.parse(printed).map(({ name }: { readonly name: string }) => name)).toEqual(["a", "b"])

    expect(await b.program.signal("SIGTERM")).toBe(0)
    expect(b.program.printed).toContain("left the cluster")
    await watching.prints(/b \(\S+\) left/)

    // whoever watches goes on when there is an agent again, and ends when it is told to
    expect(await a.program.signal("SIGINT")).toBe(0)
    await watching.prints(/connection lost, trying again: /)
    const again = await agent("a", [], {}, a.http)
    await watching.prints(/connected again after [\s\S]+a \(\S+\) joined/)
    // also where it had no time to say goodbye
    again.program.kill()
    await watching.prints(/connected again after [\s\S]+connection lost, trying again: /)
    expect(await watching.signal("SIGINT")).toBe(130)
    expect(watching.printed + a.program.printed + b.program.printed).not.toMatch(/\n\s+at /)
  })

  it("does not start on a port that is taken, and says so in one line", async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const member = await command(["agent", "--name", "a", "--bind", `127.0.0.1:${port}`, "--http", "127.0.0.1:0"])
    expect(member.code).toBe(1)
    expect(member.printed).toMatch(/^effect-memberlist: cannot bind tcp [^\n]+ the port is in use[^\n]+$/)

    const http = await command(["agent", "--name", "a", "--bind", "127.0.0.1:0", "--http", `127.0.0.1:${port}`])
    expect(http.code).toBe(1)
    expect(http.printed).toMatch(/effect-memberlist: cannot serve HTTP at [^\n]+ the port is in use[^\n]+$/)
    server.close()
  })

  it("takes orders only with its token", async () => {
    const env = { MEMBERLIST_HTTP_TOKEN: "a-token-of-this-test" }
    const { http, program } = await agent("a", [], env)
    const wrong = await command(["leave", "--http", http], { MEMBERLIST_HTTP_TOKEN: "another-token-of-it" })
    expect(wrong.code).toBe(1)
    expect(wrong.printed).toMatch(
      /^effect-memberlist: the text of MEMBERLIST_HTTP_TOKEN is not the token of the agent[^\n]+$/
    )
    expect((await command(["leave", "--http", http])).printed).toContain("wants its token")
    expect((await command(["leave", "--http", http], env)).code).toBe(0)
    await program.signal("SIGTERM")
  })
})

describe("a command", () => {
  it("ends with 130 on Ctrl-C, and without a complaint when nobody reads it any more", async () => {
    const { http, program } = await agent("a")
    const interrupted = start(["monitor", "--http", http])
    await interrupted.prints(/a \(\S+\) joined/)
    expect(await interrupted.signal("SIGINT")).toBe(130)

    const pipe = spawn(process.execPath, [file, "monitor", "--http", http], { stdio: ["ignore", "pipe", "pipe"] })
    let complaint = ""
    pipe.stderr.on("data", (data) => {
      complaint += String(data)
    })
    const ended = new Promise((resolve) => pipe.once("close", resolve))
    pipe.stdout.once("data", () => pipe.stdout.destroy())
    await new Promise((resolve) => pipe.stdout.once("close", resolve))
    // what it prints next has no reader
    await command(["update-meta", "1", "--http", http])
    expect(await ended).toBe(0)
    expect(complaint).toBe("")
    await program.signal("SIGTERM")
  })

  it.skipIf(!existsSync("/usr/bin/script"))("draws on a terminal, and gives it back as it was", async () => {
    const { http, program } = await agent("a")
    // q after two seconds, by when it has drawn
    const { status, stdout } = spawnSync(
      "bash",
      ["-c", `(sleep 2; printf q) | script -qec "'${process.execPath}' '${file}' top --http ${http}" /dev/null`],
      { encoding: "utf8", env: { ...process.env, TERM: "xterm" } }
    )
    expect(status).toBe(0)
    expect(stdout).toContain("\u001b[?1049h")
    expect(stdout).toContain("q quit")
    expect(stdout.trimEnd().endsWith("\u001b[?25h\u001b[?1049l")).toBe(true)
    await program.signal("SIGTERM")
  })
})
