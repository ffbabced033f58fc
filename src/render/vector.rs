//! Vectors of three components, and 3x3 matrices.

/// The components of a pixel.
pub type Triple = [f32; 3];

/// The product of a matrix, given by its rows, and a vector.
pub fn multiply(matrix: [Triple; 3], [a, b, c]: Triple) -> Triple {
    matrix.map(|[by_a, by_b, by_c]| by_a * a + by_b * b + by_c * c)
}
