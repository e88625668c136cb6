/**
 * The status page in a real browser, with agents as processes, and with a stand-in for what agents do rarely. It takes
 * about thirty seconds, most of them waiting: for the failure detector, and for a page that comes back by itself.
 */
import { afterAll, assert, beforeAll, describe, it, onTestFinished } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Chromium from "../../support/Chromium.ts"
import * as FakeAgent from "../../support/FakeAgent.ts"
import { Program } from "../../support/Program.ts"
import * as StandIn from "../../support/StandIn.ts"

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

  it("asks for the token, says that a wrong one is wrong, and keeps the right one for this tab alone", async () => {
    const token = "a-token-of-sixteen"
    const a = await agent("a", { TOKEN: token })
    const page = await browser.open(a.url.replace("0.0.0.0", "127.0.0.1"), DESK)
    const use = async (text: string) => {
      assert.strictEqual(await page.evaluate("document.activeElement.id"), "token-text")
      await page.ask("Input.insertText", { text })
      await page.press("Enter")
    }
    await page.until("!$('asks').hidden")
    // nothing is shown of what is not known
    assert.strictEqual(await page.evaluate("$('main').hidden"), true)
    await use("wrong")
    await page.until(says("token-said", /not its token/))
    assert.strictEqual(await page.evaluate("sessionStorage.length"), 0)
    await page.evaluate("$('token-said').textContent = ''")
    // no header can hold it
    await use("\u{1f511}")
    await page.until(says("token-said", /not its token/))
    await use(` ${token} `)
    await page.until(says("link", /^live$/))
    await page.until(says("counts", /1 alive/))
    assert.deepStrictEqual(
      await page.evaluate(
        "[$('asks').hidden, $('main').hidden, document.activeElement.id, location.href.includes('token'), localStorage.length, document.cookie]"
      ),
      [true, false, "name", false, 0, ""]
    )
    await page.evaluate("location.reload()")
    await page.until("document.readyState === 'complete' && $('link')?.textContent === 'live'")
    assert.strictEqual(await page.evaluate("$('asks').hidden"), true)
  })

  it("tells in one line that many failed at the same moment, and misses none of a few", async () => {
    const names = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`)
    const past = Array.from(
      { length: 12 },
      (_, i) =>
        FakeAgent.member(`old${i}`, { state: "dead", since: DateTime.makeUnsafe(Date.now() - (20 - i) * 60_000) })
    )
    const standIn = await StandIn.start([...past, ...names(303).map((name) => FakeAgent.member(name))])
    onTestFinished(standIn.close)
    const page = await browser.open(standIn.url, DESK)
    await page.until(says("link", /^live$/))
    await page.until(says("counts", /303 alive/))
    // what was at different times stays apart, the newest first
    await page.until(says("events", /^.*old11 failed.*old10 failed.*old1 failed.*old0 failed/))
    standIn.fail(["m0", "m1"])
    await page.until(`${text("events")}.includes("m1 failed")`)
    assert.strictEqual(await page.evaluate("$('events').childElementCount"), 14)
    standIn.fail(names(303).slice(3))
    await page.until(says("events", /m3, m4, m5 and \d+ more failed/))
    await page.until(says("counts", /1 alive.*314 failed/))
    // a machine that is busy may hear of them in some parts
    assert.isAtMost(Number(await page.evaluate("$('events').childElementCount")), 20)
    assert.deepStrictEqual(page.errors, [])
  })

  it("says when it heard last from an agent that is silent, and goes on when it speaks", async () => {
    const standIn = await StandIn.start([FakeAgent.member("self", { self: true })])
    onTestFinished(standIn.close)
    const page = await browser.open(standIn.url, DESK)
    await page.until(says("link", /^live$/))
    const listeners = async () => {
      await page.ask("HeapProfiler.collectGarbage")
      const { jsEventListeners } = await page.ask("Memory.getDOMCounters")
      return Number(jsEventListeners)
    }
    const before = await listeners()
    const goOn = standIn.stop()
    await page.until(says("link", /^no answer, last heard at \d/))
    await page.until("document.title.startsWith('(not connected) self, ')")
    goOn()
    await page.until(says("link", /^live$/))
    // what waits is forgotten when it is over: some twenty waits were, in the meantime
    assert.isAtMost(await listeners(), before + 4)
    assert.deepStrictEqual(page.errors, [])
  })

  it("shows the agent's times by the browser's clock, and strange names as text that garbles nothing", async () => {
    const at = (ahead: number) => DateTime.makeUnsafe(Date.now() + ahead)
    const ahead = -3_600_000
    const names = [
      "<b onclick=x>",
      "\u202eexe.live",
      "\u05e9\u05dc\u05d5\u05dd",
      `a${"\u0338".repeat(30)}`,
      "",
      "x".repeat(512),
      "__proto__"
    ]
    const standIn = await StandIn.start(
      names.map((name) => FakeAgent.member(name, { since: at(ahead - 180_000) })),
      ahead
    )
    onTestFinished(standIn.close)
    const page = await browser.open(standIn.url, { width: 360, height: 740 })
    await page.until(says("link", /^live$/))
    await page.until(says("counts", /7 alive/))
    await page.until(says("health", /Clock(59 min \d+ s|1 h 0 min) behind this browser's/))
    assert.deepStrictEqual(
      await page.evaluate(
        "[...new Set([...document.querySelectorAll('#rows .since')].map((each) => each.textContent))]"
      ),
      ["3 min"]
    )
    assert.deepStrictEqual(
      new Set(
        await page.evaluate(
          "[...document.querySelectorAll('#rows .linkish')].map((each) => each.textContent)"
        ) as Array<string>
      ),
      new Set([
        "<b onclick=x>",
        "\ufffdexe.live",
        // set apart, so that it turns nothing around it
        "\u2068\u05e9\u05dc\u05d5\u05dd\u2069",
        `a${"\u0338".repeat(4)}\ufffd`,
        "(no name)",
        `${"x".repeat(79)}\u2026`,
        "__proto__"
      ])
    )
    assert.strictEqual(await page.evaluate("document.documentElement.scrollWidth"), 360)
    assert.deepStrictEqual(page.errors, [])
    // not even by a mistake of the page
    assert.match(
      String(await page.evaluate("try { document.body.innerHTML = 'x'; 'taken' } catch (error) { String(error) }")),
      /TypeError.*TrustedHTML/
    )
    assert.deepStrictEqual(
      await page.evaluate("[0.4, 21, 999.6, 1300, 9970, 59700, 3599700, 90061000].map(span)"),
      ["under 1 ms", "21 ms", "1.0 s", "1.3 s", "10 s", "1 min 0 s", "59 min 59 s", "1 d 1 h"]
    )
  })
})
