//! A picture in Python: its file, its report, and its pixels when they are needed.

use hlsnap::internals::bindings::{NumberedPicture, TakenPicture};
use hlsnap::{Error, report::Report};
use pyo3::{
    Py, PyResult, Python, pyclass, pymethods,
    types::{PyByteArray, PyBytes},
};

use super::errors;

/// A picture that a job has finished.
pub struct FinishedPicture {
    taken: TakenPicture,
    report: String,
    place: Option<(u64, f64)>,
}

/// A picture.
#[pyclass(frozen, module = "hlsnap._native")]
pub struct Picture {
    /// The encoded file.
    #[pyo3(get)]
    data: Py<PyBytes>,
    /// The report, as JSON.
    #[pyo3(get)]
    report: String,
    /// The file's media type.
    #[pyo3(get)]
    media_type: &'static str,
    /// The number and the moment of a picture of a series.
    #[pyo3(get)]
    place: Option<(u64, f64)>,
    pixels: Option<hlsnap::internals::capture::PicturePixels>,
}

impl FinishedPicture {
    pub fn new(taken: TakenPicture) -> Result<Self, Error> {
        let report = json(&taken.report)?;
        Ok(Self { taken, report, place: None })
    }

    pub fn numbered(picture: NumberedPicture) -> Result<Self, Error> {
        let NumberedPicture { index, seconds, picture } = picture;
        Ok(Self { place: Some((index, seconds)), ..Self::new(picture)? })
    }

    pub fn into_python(self, py: Python<'_>) -> Picture {
        let TakenPicture { file, format, pixels, .. } = self.taken;
        let data = PyBytes::new(py, &file).unbind();
        Picture { data, report: self.report, media_type: format.media_type(), place: self.place, pixels }
    }
}

fn json(report: &Report) -> Result<String, Error> {
    serde_json::to_string(report).map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))
}

#[pymethods]
impl Picture {
    /// Width, height, and R, G and B of each pixel, row by row. Renders them without the GIL, each time anew.
    fn rgb(&self, py: Python<'_>) -> PyResult<(u32, u32, Py<PyByteArray>)> {
        let pixels = self.pixels.clone();
        let rendered = py.detach(move || {
            let pixels = pixels.ok_or_else(|| Error::internal("the picture has no frame"))?;
            pixels.to_rgb()
        });
        let ((width, height), rgb) = rendered.map_err(|e| errors::to_python(py, &e))?;
        let copy = |bytes: &mut [u8]| {
            bytes.copy_from_slice(&rgb);
            Ok(())
        };
        Ok((width, height, PyByteArray::new_with(py, rgb.len(), copy)?.unbind()))
    }
}
