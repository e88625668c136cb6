/**
 * What a measured process understands: lines of JSON on its standard input, answered on its standard output. It asks for
 * little itself, so that what is measured is the rest of the process.
 */

export type Request = Readonly<Record<string, unknown>>

export type Handlers = Readonly<Record<string, (request: Request) => object | Promise<object>>>

/** The processor time of the whole process so far in microseconds, by the operating system's accounting. */
const cpu = (): number => {
  const { system, user } = process.cpuUsage()
  return system + user
}

const write = (fields: object): void => void process.stdout.write(`${JSON.stringify(fields)}\n`)

/** Says what the process cost until now, and serves requests until the standard input ends. */
export const serve = (handlers: Handlers): void => {
  // read first: what follows loads more of Node.js
  const hello = { micros: cpu(), wallMillis: performance.now() }
  write({ hello })
  const all: Handlers = { cpu: () => ({ micros: cpu() }), ...handlers }
  const answer = async (line: string): Promise<void> => {
    const request = JSON.parse(line) as Request
    try {
      const handler = all[String(request["do"])]
      if (handler === undefined) throw new Error(`unknown request ${String(request["do"])}`)
      write({ id: request["id"], ok: true, result: await handler(request) })
    } catch (error) {
      write({ id: request["id"], ok: false, error: error instanceof Error ? error.message : String(error) })
    }
  }
  let rest = ""
  process.stdin.setEncoding("utf8")
  process.stdin.on("data", (text) => {
    const lines = (rest + String(text)).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) void answer(line)
  })
  process.stdin.on("end", () => process.exit(0))
}
