/** The other end of `Child`: answers requests in JSON lines. The end of stdin ends the process. */
import { createInterface } from "node:readline"

export const serve = <Request extends { readonly id: number }>(handle: (request: Request) => Promise<object>): void => {
  const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
  const answer = async (request: Request): Promise<void> => {
    try {
      tell({ id: request.id, ok: true, result: await handle(request) })
    } catch (error) {
      tell({ id: request.id, ok: false, error: { message: String(error) } })
    }
  }
  const input = createInterface({ input: process.stdin })
  input.on("line", (line) => void answer(JSON.parse(line) as Request))
  input.on("close", () => process.exit(0))
}
