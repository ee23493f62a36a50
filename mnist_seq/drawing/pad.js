// A square of paper to draw on with mouse, pen or finger. The strokes are kept here; after each of
// them, and after `undo` and `erase`, the event `drawn` tells all of them.
const NEAR = 0.004; // a place so close to the one before is left out

export default {
  template: `
    <svg ref="paper" viewBox="0 0 1 1" role="img" :aria-label="label"
         @pointerdown.prevent="begin" @pointermove="go" @pointerup="end" @pointercancel="end">
      <path v-for="stroke in strokes" :d="path(stroke)" fill="none" stroke="black"
            :stroke-width="pen" stroke-linecap="round" stroke-linejoin="round" />
    </svg>`,
  props: { pen: Number, label: String },
  data: () => ({ strokes: [], pointer: null }),
  methods: {
    begin(event) {
      if (this.pointer !== null || event.button !== 0) return;
      this.pointer = event.pointerId;
      this.$refs.paper.setPointerCapture(event.pointerId);
      this.strokes.push([this.place(event)]);
    },
    go(event) {
      if (event.pointerId !== this.pointer) return;
      const stroke = this.strokes.at(-1);
      const passed = event.getCoalescedEvents?.() ?? [];
      for (const each of passed.length ? passed : [event]) {
        const [x, y] = this.place(each), [a, b] = stroke.at(-1);
        if (Math.hypot(x - a, y - b) >= NEAR) stroke.push([x, y]);
      }
    },
    end(event) {
      if (event.pointerId !== this.pointer) return;
      this.pointer = null;
      this.tell();
    },
    place(event) {
      const box = this.$refs.paper.getBoundingClientRect();
      const share = (at, length) => Number(Math.min(Math.max(at / length, 0), 1).toFixed(4));
      return [share(event.clientX - box.left, box.width), share(event.clientY - box.top, box.height)];
    },
    // A line to where it begins is drawn as a dot.
    path: (stroke) => `M${stroke.map((place) => place.join(" ")).join("L")}L${stroke.at(-1).join(" ")}`,
    undo() {
      if (this.pointer === null && this.strokes.pop()) this.tell();
    },
    erase() {
      if (this.pointer !== null || !this.strokes.length) return;
      this.strokes = [];
      this.tell();
    },
    tell() {
      this.$emit("drawn", this.strokes);
    },
  },
};
