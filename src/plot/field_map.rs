//! Pictures of a field.

use rayon::prelude::*;
use tiny_skia::{PathBuilder, Pixmap};

use crate::error::{Error, Result};
use crate::io::results::{ResultsMesh as Mesh, ResultsReader};
use crate::plot::colour::{Colours, INK};
use crate::plot::figure::{Bar, Page};
use crate::plot::sampling::{PER_PIXEL, Sampling};
use crate::plot::scene::{Colour, Scene};
use crate::plot::streamlines::{Flow, add_arrow, thinned};
use crate::plot::text::Font;
use crate::plot::view::{Bounds, View};
use crate::plot::{PlotArgs, PlotField, contour, lines, nothing_to_show, ticks};
use crate::system::{print_stderr, rounded, significant};

/// Default number of contour lines in a picture of u.
const CONTOURS: u32 = 15;
/// Colour of lines on coloured areas.
const WHITE: Colour = [255, 255, 255, 215];

/// Draws the field, the lines and the arrows that the options ask for.
///
/// # Errors
/// The results cannot be read, the mesh is too small or too large, or the field has no finite
/// values.
pub fn draw(reader: &ResultsReader, args: &PlotArgs) -> Result<Scene> {
    let mesh = reader.mesh()?;
    let bounds = bounds_of(&mesh)?;
    let nodes = mesh.points.len();
    let values = Values::read(reader, &mesh, args.field)?;
    let values = values.ok_or_else(|| nothing_to_show(args.field.dataset()))?;
    let mut bar = values.bar();
    let mark =
        reader.unconverged().map(|residual| format!("not converged, relative residual {}", rounded(residual, 3)));
    let (mut page, view) = lay_out(bounds, &mut bar, args.width, mark.as_deref());
    let sampling = Sampling::new(&mesh, &view);
    let samples = values.sample(&sampling, &mesh);
    if let Some(image) = fill(&samples, sampling.width, &bar.colours, &view) {
        page.scene.image(image, view.corner[0], view.corner[1]);
    }
    if args.mesh {
        draw_mesh(&mut page, &mesh, &view);
    }
    let contours = args.contours.unwrap_or(if args.field == PlotField::U { CONTOURS } else { 0 });
    if contours > 0 {
        let u = sampling.nodal(&mesh, &reader.numbers("u", Some(&[nodes]))?);
        draw_contours(&mut page, &sampling, &u, contours, &view);
    }
    if args.arrows || args.streamlines {
        let vectors = if args.field == PlotField::Flux { "flux_node" } else { "vel_node" };
        let velocity = reader.numbers(vectors, Some(&[nodes, 2]))?;
        let component = |c: usize| velocity.iter().skip(c).step_by(2).copied().collect::<Vec<f64>>();
        let [x, y] = [0, 1].map(|c| sampling.nodal(&mesh, &component(c)));
        draw_flow(&mut page, &Flow::new(sampling.width, &x, &y), &view, args);
    }
    page.scene.stroke(lines::boundary(&mesh, &view), INK, 0.07 * page.em);
    Ok(page.scene)
}

/// Returns the bounding box of a mesh.
///
/// # Errors
/// The mesh is too small or too large for a picture.
pub fn bounds_of(mesh: &Mesh) -> Result<Bounds> {
    let bounds = Bounds::of(mesh);
    let [width, height] = bounds.size();
    let is_good = [width, height].iter().all(|size| (1e-37..=1e37).contains(size));
    if is_good { Ok(bounds) } else { Err(bad_size(width, height)) }
}

fn bad_size(width: f64, height: f64) -> Error {
    Error::input(format!(
        "the mesh is {} m wide and {} m high: a picture needs from 1e-37 to 1e37 m of both",
        significant(width),
        significant(height)
    ))
}

/// Values of a field, with their range and label.
pub struct Values {
    /// Value of each node or element; decimal logarithms of errors.
    pub numbers: Vec<f64>,
    /// Whether they are values of nodes.
    pub is_nodal: bool,
    /// The field.
    pub kind: PlotField,
    /// Smallest and largest value.
    pub range: [f64; 2],
    /// Name and unit.
    pub label: String,
}

impl Values {
    /// Reads a field; none without finite values in a finite range.
    ///
    /// # Errors
    /// The dataset cannot be read.
    pub fn read(reader: &ResultsReader, mesh: &Mesh, kind: PlotField) -> Result<Option<Self>> {
        let (nodes, elements) = (mesh.points.len(), mesh.elements.len());
        let dataset = kind.dataset();
        let (is_nodal, name) = match kind {
            PlotField::Speed => (true, "speed"),
            PlotField::Flux => (true, "flux"),
            PlotField::Pressure => (true, "pressure"),
            PlotField::U => (true, "u"),
            PlotField::Partition => (false, "rank"),
            PlotField::Error => (false, "error estimate"),
        };
        let mut numbers = match kind {
            PlotField::Flux => {
                let flux = reader.numbers(dataset, Some(&[nodes, 2]))?;
                flux.as_chunks::<2>().0.iter().map(|[x, y]| x.hypot(*y)).collect()
            }
            _ => reader.numbers(dataset, Some(&[if is_nodal { nodes } else { elements }]))?,
        };
        let mut unit = reader.unit(dataset);
        let stored = if is_nodal { reader.name(dataset) } else { None };
        let name = stored.unwrap_or_else(|| name.to_owned());
        if kind == PlotField::Error {
            // Errors differ by orders of magnitude: the colours are logarithmic.
            let largest = numbers.iter().copied().fold(0.0, f64::max);
            numbers.iter_mut().for_each(|v| *v = v.max(1e-5 * largest).log10());
        }
        if !unit.is_empty() {
            unit = format!(" ({unit})");
        }
        let finite = numbers.iter().copied().filter(|v| v.is_finite());
        let [low, high] = finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], v| [l.min(v), h.max(v)]);
        if low > high || !(high - low).is_finite() {
            return Ok(None);
        }
        // A constant field gets a small range.
        let spread = (1e-6 * low.abs().max(high.abs())).max(1e-12);
        let range = if high - low > 1e-6 * spread { [low, high] } else { [low - spread, high + spread] };
        Ok(Some(Self { numbers, is_nodal, kind, range, label: format!("{name}{unit}") }))
    }

    fn bar(&self) -> Bar {
        let gradient = match self.kind {
            PlotField::Speed | PlotField::Flux => colorous::VIRIDIS,
            PlotField::Pressure | PlotField::U => colorous::CIVIDIS,
            PlotField::Error => colorous::INFERNO,
            PlotField::Partition => return Bar::classes((self.range[1] as usize).saturating_add(1), &self.label),
        };
        let is_logarithmic = self.kind == PlotField::Error;
        Bar::map(gradient, self.range, is_logarithmic, &self.label)
    }

    /// Returns the values at the samples; NaN outside.
    pub fn sample(&self, sampling: &Sampling, mesh: &Mesh) -> Vec<f32> {
        if self.is_nodal { sampling.nodal(mesh, &self.numbers) } else { sampling.cells(&self.numbers) }
    }
}

/// Arranges the page, draws axes, colour bar and the warning above them, and returns the view of
/// the mesh.
fn lay_out(bounds: Bounds, bar: &mut Bar, width: u32, mark: Option<&str>) -> (Page, View) {
    /// Aspect ratio of a domain from which the colour bar lies below it.
    const WIDE: f64 = 3.2;
    /// Largest height of the view over the width of the page.
    const TALLEST: f64 = 0.75;
    let em = width as f32 / 62.0;
    let mut page = Page { scene: Scene::new(width, width), font: Font::new(), em };
    let bounds = bounds.with_margin(0.015);
    let [domain_width, domain_height] = bounds.size();
    let aspect = domain_width / domain_height;
    bar.upright = aspect < WIDE;

    let tallest = TALLEST * f64::from(width);
    let roughly = ((f64::from(width) - 13.0 * f64::from(em)) / aspect).min(tallest) as f32;
    let y_ticks = ticks::linear(bounds.low[1], bounds.high[1], (roughly / (2.2 * em)).clamp(2.0, 9.0) as usize);
    bar.mark(if bar.upright { (roughly / (2.2 * em)).clamp(2.0, 9.0) as usize } else { 8 });
    let top = if mark.is_some() { page.title_room() } else { em }.ceil();
    let left = page.y_axis_room(&y_ticks).ceil();
    let right = if bar.upright { page.bar_room(bar) } else { 2.0 * em }.ceil();
    let view_width = f64::from(width as f32 - left - right).min(tallest * aspect).round().max(1.0);
    let view_height = (view_width / aspect).round().max(1.0);
    let view = View { bounds, corner: [left as u32, top as u32], size: [view_width as u32, view_height as u32] };

    let frame = [left, top, view_width as f32, view_height as f32];
    let x_count = (frame[2] / (5.0 * em)).clamp(2.0, 10.0) as usize;
    let x_ticks = ticks::linear(bounds.low[0], bounds.high[0], x_count);
    let bottom = page.x_axis_room();
    let below = if bar.upright { 0.0 } else { 1.4 * em + page.x_axis_room() };
    page.scene = Scene::new((left + frame[2] + right) as u32, (top + frame[3] + bottom + below) as u32);
    page.x_axis(frame, &x_ticks, "x (m)", |x| view.place([x, 0.0])[0]);
    page.y_axis(frame, &y_ticks, "y (m)", |y| view.place([0.0, y])[1]);
    page.frame(frame);
    if let Some(mark) = mark {
        page.warning([0.0, top, left + frame[2] + right, 0.0], mark);
    }
    let bar_frame = if bar.upright {
        [left + frame[2] + em, top, em, frame[3]]
    } else {
        [left, top + frame[3] + bottom + 0.2 * em, frame[2], 0.9 * em]
    };
    page.bar(bar_frame, bar);
    (page, view)
}

/// Colours all pixels; those on the rim are partly transparent.
fn fill(samples: &[f32], width: usize, colours: &Colours, view: &View) -> Option<Pixmap> {
    let mut image = Pixmap::new(view.size[0], view.size[1])?;
    let columns = view.size[0] as usize;
    image.data_mut().par_chunks_exact_mut(4).enumerate().with_min_len(4096).for_each(|(i, pixel)| {
        let first = i / columns * PER_PIXEL * width + i % columns * PER_PIXEL;
        let under = (0..PER_PIXEL * PER_PIXEL).map(|s| samples[first + s / PER_PIXEL * width + s % PER_PIXEL]);
        let mut sum = [0_usize; 4];
        for value in under.filter(|v| !v.is_nan()) {
            let [r, g, b] = colours.of(f64::from(value)).map(usize::from);
            sum = [sum[0] + r, sum[1] + g, sum[2] + b, sum[3] + 255];
        }
        // The mean over all samples gives colours multiplied by the opacity.
        pixel.copy_from_slice(&sum.map(|s| (s / (PER_PIXEL * PER_PIXEL)) as u8));
    });
    Some(image)
}

fn draw_mesh(page: &mut Page, mesh: &Mesh, view: &View) {
    /// Edge length (px) below which mesh lines are not drawn.
    const NARROW: f64 = 3.0;
    let edge = lines::mean_edge(mesh, view);
    if edge < NARROW {
        print_stderr(&format!("warning: no mesh lines: an edge is {edge:.1} pixels long, raise --width\n"));
        return;
    }
    page.scene.stroke(lines::edges(mesh, view), [0, 0, 0, 130], (0.06 * edge as f32).min(0.05 * page.em).max(0.4));
}

fn draw_contours(page: &mut Page, sampling: &Sampling, u: &[f32], count: u32, view: &View) {
    let values = u.iter().map(|&v| f64::from(v)).filter(|v| !v.is_nan());
    let range = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], v| [l.min(v), h.max(v)]);
    let to_page = from_samples(view);
    for level in contour::levels(range, count) {
        let path = thinned(&contour::lines(u, sampling.width, level as f32), 2.0, &to_page);
        page.scene.stroke(path, WHITE, 0.055 * page.em);
    }
}

fn draw_flow(page: &mut Page, flow: &Flow, view: &View, args: &PlotArgs) {
    let em = page.em;
    let to_page = from_samples(view);
    let mut heads = PathBuilder::new();
    if args.streamlines {
        let lines = flow.streamlines(1.1 * em * PER_PIXEL as f32);
        page.scene.stroke(thinned(&lines, 3.0, &to_page), WHITE, 0.08 * em);
        for line in &lines {
            let middle = line.len() / 2;
            let [a, b] = [line[middle - 1], line[middle]].map(&to_page);
            let length = (b[0] - a[0]).hypot(b[1] - a[1]).max(f32::MIN_POSITIVE);
            add_arrow(&mut heads, [b, [0, 1].map(|i| 0.9 * em / length * (b[i] - a[i]))], 0.15 * em);
        }
        page.scene.fill(heads.finish(), WHITE);
    }
    if args.arrows {
        let mut arrows = PathBuilder::new();
        for [middle, vector] in flow.arrows((1.7 * em) as usize * PER_PIXEL) {
            add_arrow(&mut arrows, [to_page(middle), vector.map(|v| v / PER_PIXEL as f32)], 0.1 * em);
        }
        let arrows = arrows.finish();
        page.scene.stroke(arrows.clone(), [255, 255, 255, 150], 0.1 * em);
        page.scene.fill(arrows, INK);
    }
}

/// Returns the map from samples to the page (px).
fn from_samples(view: &View) -> impl Fn([f32; 2]) -> [f32; 2] + use<> {
    let corner = view.corner.map(|c| c as f32);
    move |point| [0, 1].map(|axis| corner[axis] + (point[axis] + 0.5) / PER_PIXEL as f32)
}
