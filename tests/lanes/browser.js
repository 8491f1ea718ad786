// What browser.py asks of the page: an object of functions. JupyterLab lends its `jupyterapp`.
({
  panel: () => window.jupyterapp.shell.currentWidget,

  // The promise of Run All is kept when the last cell has run; Run All stops at the first error.
  async runAll(seconds) {
    const panel = this.panel()
    await panel.context.ready
    await panel.sessionContext.ready
    const late = new Promise((_, no) => setTimeout(() => no(new Error(`not idle after ${seconds} s`)), 1000 * seconds))
    await Promise.race([late, window.jupyterapp.commands.execute("notebook:run-all-cells")])
    await panel.context.save()
  },

  // Makes the first cell with `text` in it the active one, on the screen, ready to be typed into; its source.
  async open(text) {
    const book = this.panel().content
    book.activeCellIndex = book.widgets.findIndex(
      cell => cell.model.type === "code" && cell.model.sharedModel.getSource().includes(text))
    await book.scrollToItem(book.activeCellIndex, "start")
    await book.activeCell.ready
    book.mode = "edit"
    book.activeCell.editor.focus()
    return book.activeCell.model.sharedModel.getSource()
  },

  // Runs the active cell; what it shows, as text.
  async runCell() {
    await window.jupyterapp.commands.execute("notebook:run-cell")
    const outputs = this.panel().content.activeCell.model.outputs.toJSON()
    return outputs.map(output => output.data?.["text/plain"] ?? output.text ?? output.evalue).flat().join("\n")
  },

  // Presses an arrow key on the slider called `name` again and again; the milliseconds until the picture is another.
  async moveSlider(name, times) {
    const cell = this.panel().content.activeCell.node
    const slider = [...cell.querySelectorAll(".widget-slider")].find(
      box => box.querySelector(".widget-label").textContent === name)
    const handle = slider.querySelector(".noUi-handle"), label = () => cell.querySelector("[role=img]").ariaLabel
    const waited = []
    for (let i = 0; i < times; i++) {
      const before = label(), start = performance.now()
      handle.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true, cancelable: true}))
      while (label() === before) {
        if (performance.now() - start > 5000) throw new Error(`move ${i + 1} of ${name} changes nothing in 5 s`)
        await new Promise(next => requestAnimationFrame(next))
      }
      waited.push(performance.now() - start)
    }
    return waited
  },

  // Each piece of text in prose and outputs: [contrast as WCAG 2 counts it, text], worst first.
  // Not code blocks: their colours are JupyterLab's own.
  contrasts() {
    // "rgb(0, 158, 115)", or "color(srgb 0 0.62 0.45)", which is what becomes of a mixture.
    const numbers = colour => (colour.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number)
    const parts = colour => numbers(colour).map((part, k) => colour.startsWith("color(") && k < 3 ? 255 * part : part)
    const alpha = colour => parts(colour)[3] ?? 1
    const linear = part => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    const page = node => {
      const background = getComputedStyle(node).backgroundColor
      return alpha(background) > 0.99 || !node.parentElement ? background : page(node.parentElement)
    }
    const found = []
    for (const area of document.querySelectorAll(".jp-Notebook .jp-RenderedMarkdown, .jp-Notebook .jp-OutputArea-output")) {
      const walk = document.createTreeWalker(area, NodeFilter.SHOW_TEXT)
      while (walk.nextNode()) {
        const node = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim()
        if (!text || !node.getClientRects().length || node.closest("style, defs, pre code, .jp-mod-hidden, .jp-InternalAnchorLink")) continue
        const style = getComputedStyle(node), ink = node.closest("svg") ? style.fill : style.color
        const [dark, bright] = [light(parts(ink)), light(parts(page(node)))].sort((a, b) => a - b)
        found.push([(bright + 0.05) / (dark + 0.05), text.slice(0, 60)])
      }
    }
    return found.sort((a, b) => a[0] - b[0])
  },

  async dark() {
    await window.jupyterapp.commands.execute("apputils:change-theme", {theme: "JupyterLab Dark"})
    while (document.body.dataset.jpThemeLight !== "false") await new Promise(next => setTimeout(next, 50))
    await new Promise(next => setTimeout(next, 500))  // the style sheet comes after the word
  },
})
