/**
 * The status page in a real browser, with three agents as processes. It takes about twenty seconds, most of them
 * waiting: for the failure detector, and for a page that comes back by itself.
 */
import { afterAll, assert, beforeAll, describe, it, onTestFinished } from "@effect/vitest"
import * as Chromium from "../../support/Chromium.ts"
import { Program } from "../../support/Program.ts"

const DESK = { width: 1280, height: 900 }

interface Agent {
  readonly program: Program
  readonly url: string
  readonly address: string
  readonly kill: () => void
}

const agent = async (name: string, env: Readonly<Record<string, string>> = {}): Promise<Agent> => {
  const program = new Program("../test/support/ServedNode.ts", { env: { NAME: name, ...env } })
  onTestFinished(program.kill)
  const [, address = "", url = ""] = await program.prints(/members reach it at (\S+), HTTP at (\S+)/)
  return { program, url, address, kill: program.kill }
}

const text = (id: string) => `document.getElementById("${id}").textContent`
const says = (id: string, what: RegExp) => `${what}.test(${text(id)})`

describe.skipIf(Chromium.found === undefined)("the status page in Chromium", () => {
  let browser: Chromium.Chromium
  beforeAll(async () => {
    browser = await Chromium.launch(Chromium.found ?? "")
  })
  afterAll(() => browser?.close())

  it("shows without a reload that a killed member is suspected and failed, and why", async () => {
    const a = await agent("a")
    const wild = await agent("<i>b</i>", { JOIN: a.address })
    const c = await agent("c", { JOIN: a.address })
    await fetch(`${wild.url}/v1/meta`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: "<script>window.taken = 1</script><img src=x onerror='window.taken = 2'>" })
    })
    const page = await browser.open(a.url, DESK)
    await page.until(says("counts", /3 alive/))
    await page.until(says("agree", /All 3 agents see the same 3 members/))
    await page.until(says("minute", /[1-9]\d* probes?, typically answered in/))
    await page.until(says("rows", /<script>window\.taken = 1/))
    await page.evaluate("window.isSamePage = true")

    c.kill()
    await page.until(says("events", /c is suspected/))
    await page.until(says("counts", /1 failed/))
    await page.until(says("events", /c failed after/))
    await page.until(says("agree", /All 2 agents see the same 2 members/))
    assert.match(String(await page.evaluate("document.title")), /^\(1 failed\) a, /)
    assert.match(
      String(await page.evaluate(`document.getElementById("canvas").getAttribute("aria-label")`)),
      /2 alive, 0 suspect, 1 failed/
    )

    // by the keyboard alone
    await page.evaluate(
      `[...document.querySelectorAll("#rows button")].find((each) => each.textContent === "c").focus()`
    )
    await page.press("Enter")
    await page.until(says("detail-body", /Why it failed.*Ping over UDP: no ack in .*Declared failed/))
    assert.strictEqual(await page.evaluate("document.activeElement.id"), "detail-name")
    await page.press("Escape")
    assert.strictEqual(await page.evaluate("document.activeElement.textContent"), "c")

    assert.strictEqual(await page.evaluate("window.isSamePage"), true)
    assert.strictEqual(await page.evaluate("typeof window.taken"), "undefined")
    assert.strictEqual(await page.evaluate(`document.querySelectorAll("#rows i, #rows img, #rows script").length`), 0)
    assert.deepStrictEqual(page.errors, [])
  })

  it("says that its agent is gone, and goes on by itself when it is back", async () => {
    const a = await agent("a")
    const page = await browser.open(a.url, DESK)
    await page.until(says("link", /^live$/))
    a.kill()
    await page.until(says("link", /not connected/))
    await agent("a", { HTTP: new URL(a.url).port })
    await page.until(says("link", /^live$/))
    await page.until(says("counts", /1 alive/))
    await page.until(says("agree", /alone/))
  })

  it("fits a phone, and stands still for those who want that", async () => {
    const a = await agent("a")
    const page = await browser.open(a.url, { width: 390, height: 844, still: true, dark: true })
    await page.until(says("link", /^live$/))
    await page.until(says("health", /healthy|doubts itself/))
    assert.strictEqual(await page.evaluate("document.documentElement.scrollWidth"), 390)
    // nothing has a role or a control without a name
    assert.deepStrictEqual(
      await page.evaluate(`[...document.querySelectorAll("button, input, select, section, [role=img]")]
        .filter((each) => !(each.textContent.trim() || each.getAttribute("aria-label") || each.getAttribute("aria-labelledby") || each.labels?.length))
        .map((each) => each.outerHTML)`),
      []
    )
    assert.deepStrictEqual(page.errors, [])

    // what a list of 1,000 would be, without the nodes
    await page.evaluate(`(() => {
      for (let i = 0; i < 999; i++) {
        const state = i % 100 === 0 ? "suspect" : "alive"
        put({ name: "m" + i, address: "10.0.0.1:1", state, incarnation: 1, meta: { size: 0 }, self: false })
      }
      arrange()
      write()
    })()`)
    assert.strictEqual(await page.evaluate(`document.querySelectorAll("#rows tr").length`), 25)
    assert.strictEqual(await page.evaluate(text("page")), "1 to 25 of 1,000")
    assert.match(String(await page.evaluate(text("rows"))), /^▲suspectm0/)
    // each has a place of its own, inside
    assert.deepStrictEqual(
      await page.evaluate(`(() => {
        const at = [...places.values()].map(({ toX, toY }) => [Math.round(toX * 10), Math.round(toY * 10)])
        const outside = at.filter(([x, y]) => x < 30 || y < 30 || x > size.width * 10 - 30 || y > size.height * 10 - 30)
        return [new Set(at.map(String)).size, outside.length]
      })()`),
      [1000, 0]
    )
  })
})
