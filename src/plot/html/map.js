// The picture of a field: pan, zoom, values under the pointer, boundaries, and a line that is drawn.
"use strict";

// Units of the outline in a sample, as in outline.rs.
const UNITS = 32;
const CONTOURS = 15;
// Part of the canvas that the whole domain fills.
const MARGIN = 0.97;
const LONGEST_LABEL = 60;

/** Returns a path through the points of lines. */
function pathOf(lines) {
    const path = new Path2D();
    for (const line of lines) {
        for (let i = 0; i < line.length; i += 2)
            path[i === 0 ? "moveTo" : "lineTo"](line[i] / UNITS, line[i + 1] / UNITS);
    }
    return path;
}

/** Picture of a field. Positions are in samples from the upper left corner of the grid. */
class FieldMap {
    constructor(canvas) {
        this.canvas = canvas;
        this.context = canvas.getContext("2d");
        this.image = element("canvas");
        this.outline = pathOf(page.outline);
        this.boundaries = page.boundaries.map((boundary) => ({ ...boundary, path: pathOf(boundary.lines) }));
        this.showsBoundaries = true;
        this.isDrawing = false;
        this.pointers = new Map();
        this.listen();
        canvas.style.aspectRatio = `${grid.width} / ${grid.height}`;
        new ResizeObserver(() => this.resize()).observe(canvas);
        this.resize();
    }

    /** Shows a field, which must be loaded. */
    show(field) {
        this.field = field;
        field.paint(this.image);
        this.setContours(this.contoured);
    }

    /** Shows contour lines of a field; none without one. */
    setContours(field) {
        this.contoured = field;
        this.contours = field?.contours(CONTOURS);
        this.redraw();
    }

    /** Fits the picture to the canvas. */
    resize() {
        const ratio = window.devicePixelRatio || 1;
        const { clientWidth, clientHeight } = this.canvas;
        if (clientWidth === 0) return;
        const wasWhole = !this.zoom || this.zoom === this.whole;
        this.ratio = ratio;
        [this.canvas.width, this.canvas.height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
        this.whole = MARGIN * Math.min(this.canvas.width / grid.width, this.canvas.height / grid.height);
        if (wasWhole) this.showAll();
        // At once: the new size has cleared the canvas, which would be seen until the next frame.
        this.draw();
    }

    showAll() {
        this.zoom = this.whole;
        this.middle = [grid.width / 2, grid.height / 2];
        this.redraw();
    }

    /** Zooms by a factor; the position at a point of the canvas stays there. */
    zoomBy(factor, point = [this.canvas.width / 2, this.canvas.height / 2]) {
        const at = this.position(point);
        this.zoom = Math.min(Math.max(this.zoom * factor, this.whole), Math.max(this.whole, 48 * this.ratio));
        const moved = this.position(point);
        this.moveBy(at[0] - moved[0], at[1] - moved[1]);
    }

    /** Moves the middle by so many samples. */
    moveBy(x, y) {
        const inside = (value, size) => Math.min(Math.max(value, 0), size);
        this.middle = [inside(this.middle[0] + x, grid.width), inside(this.middle[1] + y, grid.height)];
        this.redraw();
    }

    /** Returns the position at a point of the canvas (pixels). */
    position([x, y]) {
        return [
            this.middle[0] + (x - this.canvas.width / 2) / this.zoom,
            this.middle[1] + (y - this.canvas.height / 2) / this.zoom,
        ];
    }

    /** Returns the point of the canvas at a position. */
    point([x, y]) {
        return [
            this.canvas.width / 2 + (x - this.middle[0]) * this.zoom,
            this.canvas.height / 2 + (y - this.middle[1]) * this.zoom,
        ];
    }

    /** Returns whether a position is in the domain. */
    isInside([x, y]) {
        this.context.setTransform(1, 0, 0, 1, 0, 0);
        return this.context.isPointInPath(this.outline, x, y, "evenodd");
    }

    redraw() {
        if (this.isWaiting) return;
        this.isWaiting = true;
        requestAnimationFrame(() => {
            this.isWaiting = false;
            this.draw();
        });
    }

    draw() {
        const { context, canvas, zoom } = this;
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.clearRect(0, 0, canvas.width, canvas.height);
        const [left, top] = this.point([0, 0]);
        context.setTransform(zoom, 0, 0, zoom, left, top);
        const pixel = this.ratio / zoom;
        if (this.field) {
            context.save();
            context.clip(this.outline, "evenodd");
            context.imageSmoothingEnabled = this.field.is_smooth || zoom < 1;
            context.imageSmoothingQuality = "high";
            context.drawImage(this.image, 0, 0);
            this.stroke(this.contours, "rgba(255, 255, 255, 0.85)", 1.2 * pixel);
            context.restore();
        }
        this.stroke(this.outline, "#222", 1.2 * pixel);
        if (this.showsBoundaries) this.drawBoundaries(pixel);
        if (this.line) this.drawLine(pixel);
        if (this.marked) this.drawMark();
    }

    stroke(path, colour, width, dash = []) {
        if (!path) return;
        Object.assign(this.context, { strokeStyle: colour, lineWidth: width, lineJoin: "round" });
        this.context.setLineDash(dash);
        this.context.stroke(path);
        this.context.setLineDash([]);
    }

    drawBoundaries(pixel) {
        this.boundaries.forEach(({ path, name }, i) => {
            const isChosen = name === this.chosen;
            this.stroke(path, COLOURS[i % COLOURS.length], (isChosen ? 6 : 3) * pixel);
        });
        this.context.setTransform(1, 0, 0, 1, 0, 0);
        const taken = [];
        this.boundaries.forEach((boundary, i) => this.label(boundary, COLOURS[i % COLOURS.length], taken));
        const [left, top] = this.point([0, 0]);
        this.context.setTransform(this.zoom, 0, 0, this.zoom, left, top);
    }

    /** Writes the name of a boundary at its longest piece, that of the chosen one with condition and flow. */
    label({ lines, name, text }, colour, taken) {
        const longest = lines.reduce((a, b) => (b.length > a.length ? b : a), []);
        if (longest.length === 0) return;
        const at = this.point(middleOf(longest));
        const { context, canvas, ratio } = this;
        if (at[0] < 0 || at[1] < 0 || at[0] > canvas.width || at[1] > canvas.height) return;
        const isChosen = name === this.chosen;
        const whole = isChosen && text ? `${name}: ${text}` : name;
        const shown = whole.length > LONGEST_LABEL ? `${whole.slice(0, LONGEST_LABEL)}…` : whole;
        context.font = `${isChosen ? 600 : 500} ${13 * ratio}px system-ui, sans-serif`;
        const { left, top, width, height } = this.boxAt(at, context.measureText(shown).width + 8 * ratio, taken);
        context.fillStyle = "rgba(255, 255, 255, 0.88)";
        context.fillRect(left, top, width, height);
        context.fillStyle = colour;
        context.fillRect(left, top + height - 2 * ratio, width, 2 * ratio);
        context.fillStyle = "#222";
        context.textBaseline = "middle";
        context.fillText(shown, left + 4 * ratio, top + height / 2);
    }

    /** Takes the box of a label around a point, moved up or down to where no other label is. */
    boxAt([x, y], width, taken) {
        const { canvas } = this;
        const height = 19 * this.ratio;
        const inside = (value, most) => Math.max(Math.min(value, most), 0);
        const left = inside(x - width / 2, canvas.width - width);
        const beside = (box) => left >= box.left + box.width || left + width <= box.left;
        const isFree = (top) => taken.every((box) => beside(box) || Math.abs(top - box.top) >= height);
        const tops = [0, -1, 1, -2, 2, -3, 3].map((step) => inside(y + (step - 0.5) * height, canvas.height - height));
        const box = { left, top: tops.find(isFree) ?? tops[0], width, height };
        taken.push(box);
        return box;
    }

    drawLine(pixel) {
        const path = new Path2D();
        path.moveTo(...this.line[0]);
        path.lineTo(...this.line[1]);
        this.stroke(path, "#fff", 5 * pixel);
        this.stroke(path, "#000", 2 * pixel, [6 * pixel, 3 * pixel]);
    }

    /** Draws the mark of the keyboard in the middle. */
    drawMark() {
        const { context, canvas, ratio } = this;
        context.setTransform(1, 0, 0, 1, 0, 0);
        const [x, y, size] = [canvas.width / 2, canvas.height / 2, 9 * ratio];
        const cross = new Path2D();
        for (const [dx, dy] of [
            [size, 0],
            [0, size],
        ]) {
            cross.moveTo(x - dx, y - dy);
            cross.lineTo(x + dx, y + dy);
        }
        this.stroke(cross, "#fff", 4 * ratio);
        this.stroke(cross, "#000", 1.6 * ratio);
    }

    /** Calls `onRead` with the position under the pointer, and `onLine` with a line that is drawn. */
    listen() {
        const { canvas, pointers } = this;
        const at = (event) => [event.offsetX * this.ratio, event.offsetY * this.ratio];
        canvas.addEventListener("pointerdown", (event) => {
            canvas.setPointerCapture(event.pointerId);
            pointers.set(event.pointerId, at(event));
            this.marked = false;
            if (this.isDrawing) this.line = [this.position(at(event)), this.position(at(event))];
            this.onRead?.(this.position(at(event)));
        });
        canvas.addEventListener("pointermove", (event) => {
            const before = pointers.get(event.pointerId);
            if (before && pointers.size === 2) this.pinch(event.pointerId, at(event));
            else if (before && this.isDrawing && this.line) this.line = [this.line[0], this.position(at(event))];
            else if (before)
                this.moveBy((before[0] - at(event)[0]) / this.zoom, (before[1] - at(event)[1]) / this.zoom);
            if (before) pointers.set(event.pointerId, at(event));
            this.redraw();
            this.onRead?.(this.position(at(event)));
        });
        const end = (event) => {
            if (pointers.delete(event.pointerId) && this.isDrawing && this.line) this.onLine?.(this.line);
        };
        canvas.addEventListener("pointerup", end);
        canvas.addEventListener("pointercancel", end);
        canvas.addEventListener(
            "wheel",
            (event) => {
                event.preventDefault();
                this.zoomBy(2 ** (-event.deltaY / 240), at(event));
                this.onRead?.(this.position(at(event)));
            },
            { passive: false },
        );
        canvas.addEventListener("keydown", (event) => this.press(event));
        canvas.addEventListener("blur", () => {
            this.marked = false;
            this.redraw();
        });
    }

    /** Zooms and moves by one of two fingers. */
    pinch(id, now) {
        const before = this.pointers.get(id);
        const other = [...this.pointers].find(([key]) => key !== id)[1];
        const distance = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
        this.zoomBy(distance(now) / Math.max(distance(before), 1), other);
    }

    press(event) {
        if (event.ctrlKey || event.altKey || event.metaKey) return;
        const step = (40 * this.ratio) / this.zoom;
        const actions = {
            ArrowLeft: () => this.moveBy(-step, 0),
            ArrowRight: () => this.moveBy(step, 0),
            ArrowUp: () => this.moveBy(0, -step),
            ArrowDown: () => this.moveBy(0, step),
            "+": () => this.zoomBy(1.5),
            "=": () => this.zoomBy(1.5),
            "-": () => this.zoomBy(1 / 1.5),
            0: () => this.showAll(),
        };
        const action = actions[event.key];
        if (!action) return;
        event.preventDefault();
        this.marked = true;
        action();
        this.onRead?.(this.middle, true);
    }
}

/** Returns the position half way along a line of the page. */
function middleOf(line) {
    const points = Array.from({ length: line.length / 2 }, (_, i) => [line[2 * i] / UNITS, line[2 * i + 1] / UNITS]);
    const lengths = points.slice(1).map((point, i) => Math.hypot(point[0] - points[i][0], point[1] - points[i][1]));
    let rest = lengths.reduce((sum, length) => sum + length, 0) / 2;
    const at = lengths.findIndex((length) => (rest -= length) <= 0);
    if (at < 0) return points[0];
    const part = 1 + rest / (lengths[at] || 1);
    return [0, 1].map((axis) => points[at][axis] + part * (points[at + 1][axis] - points[at][axis]));
}
