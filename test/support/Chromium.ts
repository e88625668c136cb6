/**
 * A headless Chromium, driven over its debugging port: for what only a browser can show. Where none is installed,
 * `found` is `undefined`, and tests that need it are skipped.
 */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"

/** The program, by `CHROMIUM` or by its usual names. */
export const found: string | undefined = [process.env["CHROMIUM"], "chromium", "chromium-browser", "google-chrome"]
  .find((name) => name !== undefined && spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0)

interface Answer {
  readonly id?: number
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

export interface View {
  readonly width: number
  readonly height: number
  readonly dark?: boolean
  readonly still?: boolean
}

export interface Page {
  /** The value of an expression; promises are waited for. */
  readonly evaluate: (expression: string) => Promise<unknown>
  /** Waits until an expression is true, and says which one was not. */
  readonly until: (expression: string, seconds?: number) => Promise<void>
  readonly look: (view: View) => Promise<void>
  /** Presses a key, by its name. */
  readonly press: (key: string) => Promise<void>
  readonly screenshot: (file: string, full?: boolean) => Promise<void>
  /** Asks the browser about this page, by its own protocol. */
  readonly ask: (method: string, params?: object) => Promise<Readonly<Record<string, unknown>>>
  /** What the page wrote to its console as an error, and what it threw. */
  readonly errors: ReadonlyArray<string>
}

export interface Chromium {
  readonly open: (url: string, view: View) => Promise<Page>
  readonly close: () => Promise<void>
}

const sleep = (millis: number) => new Promise((done) => setTimeout(done, millis))

/** Starts a browser with a profile of its own, which `close` takes away. */
export const launch = async (program: string): Promise<Chromium> => {
  const profile = mkdtempSync(Path.join(tmpdir(), "chromium-"))
  const browser = spawn(program, [
    "--headless=new",
    "--remote-debugging-port=0",
    `--user-data-dir=${profile}`,
    // it opens nothing but our own page, and may run as root in a container
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "about:blank"
  ], { stdio: ["ignore", "ignore", "pipe"] })
  const ended = new Promise<void>((done) => browser.once("exit", () => done()))
  const address = await new Promise<string>((done, fail) => {
    let said = ""
    browser.stderr.on("data", (data: Buffer) => {
      said += data.toString()
      const [, url] = /DevTools listening on (ws:\S+)/.exec(said) ?? []
      if (url !== undefined) done(url)
    })
    browser.once("exit", (code) => fail(new Error(`${program} ended with ${code}:\n${said}`)))
    browser.once("error", fail)
  })
  const socket = new WebSocket(address)
  await new Promise((done, fail) => {
    socket.addEventListener("open", done)
    socket.addEventListener("error", fail)
  })
  const waiting = new Map<number, (answer: Answer) => void>()
  const listeners = new Set<(method: string, session: string, params: Record<string, unknown>) => void>()
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data))
    if (message.id === undefined) {
      for (const listener of listeners) listener(message.method, message.sessionId ?? "", message.params ?? {})
    } else waiting.get(message.id)?.(message)
  })
  let sent = 0
  const call = async (method: string, params: object = {}, sessionId?: string) => {
    const id = ++sent
    const answer = await new Promise<Answer>((done) => {
      waiting.set(id, done)
      socket.send(JSON.stringify({ id, method, params, sessionId }))
    })
    waiting.delete(id)
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
    return answer.result ?? {}
  }

  const open = async (url: string, view: View): Promise<Page> => {
    const { targetId } = await call("Target.createTarget", { url: "about:blank" })
    const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true })
    const session = String(sessionId)
    const errors: Array<string> = []
    let loaded = () => {}
    const load = new Promise<void>((done) => {
      loaded = done
    })
    listeners.add((method, of, params) => {
      if (of !== session) return
      if (method === "Page.loadEventFired") loaded()
      if (method === "Runtime.exceptionThrown") errors.push(JSON.stringify(params["exceptionDetails"]))
      if (method === "Runtime.consoleAPICalled" && params["type"] === "error") {
        errors.push(JSON.stringify(params["args"]))
      }
      if (method === "Log.entryAdded") errors.push(JSON.stringify(params["entry"]))
    })
    const ask = (method: string, params: object = {}) => call(method, params, session)
    await ask("Runtime.enable")
    await ask("Log.enable")
    await ask("Page.enable")
    const evaluate = async (expression: string) => {
      const answer = await ask("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true })
      const { exceptionDetails, result } = answer as {
        readonly exceptionDetails?: unknown
        readonly result: { readonly value?: unknown }
      }
      if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`)
      return result.value
    }
    const look = async ({ dark = false, height, still = false, width }: View) => {
      await ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 500 })
      await ask("Emulation.setEmulatedMedia", {
        features: [
          { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
          { name: "prefers-reduced-motion", value: still ? "reduce" : "no-preference" }
        ]
      })
    }
    await look(view)
    await ask("Page.navigate", { url })
    await load
    return {
      evaluate,
      until: async (expression, seconds = 40) => {
        for (let left = seconds * 20; left > 0; left--) {
          if (await evaluate(`Boolean(${expression})`) === true) return
          await sleep(50)
        }
        throw new Error(`not in ${seconds} s: ${expression}\n${await evaluate("document.body.innerText")}`)
      },
      look,
      press: async (key) => {
        const codes: Readonly<Record<string, number>> = { Tab: 9, Enter: 13, Escape: 27 }
        const about = { key, code: key, windowsVirtualKeyCode: codes[key], ...key === "Enter" ? { text: "\r" } : {} }
        await ask("Input.dispatchKeyEvent", { type: "keyDown", ...about })
        await ask("Input.dispatchKeyEvent", { type: "keyUp", ...about })
      },
      screenshot: async (file, full = false) => {
        const { data } = await ask("Page.captureScreenshot", { format: "png", captureBeyondViewport: full })
        writeFileSync(file, Buffer.from(String(data), "base64"))
      },
      ask,
      errors
    }
  }

  return {
    open,
    close: async () => {
      socket.close()
      browser.kill()
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    }
  }
}
