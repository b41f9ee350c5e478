//! Adam with gradient clipping, and the schedules of a training.

use serde::{Deserialize, Serialize};

use super::kernel::{self, ADAM_BETA_1, ADAM_BETA_2, AdamStep};

/// First and second moments of the gradient, and the number of steps taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Adam {
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
    pub(super) steps: u64,
}

impl Adam {
    /// Moments of zero for `length` parameters.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self {
            first: vec![0.0; length],
            second: vec![0.0; length],
            steps: 0,
        }
    }

    /// Takes one step down the gradient, scaled down first if its norm exceeds
    /// `clip`; returns the norm before clipping.
    pub fn step(
        &mut self,
        parameters: &mut [f32],
        gradient: &[f32],
        learning_rate: f64,
        clip: f64,
    ) -> f64 {
        let norm = kernel::square_sum(gradient).sqrt();
        self.steps += 1;
        let correction = |beta: f32| 1.0 - f64::from(beta).powf(self.steps as f64);
        let step = AdamStep {
            rate: (learning_rate / correction(ADAM_BETA_1)) as f32,
            second_correction: (1.0 / correction(ADAM_BETA_2)) as f32,
            gradient_scale: if norm > clip {
                (clip / norm) as f32
            } else {
                1.0
            },
        };
        kernel::adam(
            parameters,
            gradient,
            &mut self.first,
            &mut self.second,
            step,
        );
        norm
    }
}

/// How learning rate and KL weight change over a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Learning rate of the first step.
    pub learning_rate: f64,
    /// Learning rate of the last step, as a fraction of the first.
    pub final_fraction: f64,
    /// Steps over which the KL weight rises from 0 to 1.
    pub warmup_steps: u64,
    /// Steps in all.
    pub total_steps: u64,
}

impl Schedule {
    /// Cosine decay from `learning_rate` to `learning_rate * final_fraction`.
    #[must_use]
    pub fn learning_rate(&self, step: u64) -> f64 {
        let progress = step as f64 / self.total_steps.max(1) as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos());
        self.learning_rate * (self.final_fraction + (1.0 - self.final_fraction) * cosine)
    }

    /// Linear rise from 0 to 1 over the warm-up, then 1.
    #[must_use]
    pub fn kl_weight(&self, step: u64) -> f64 {
        if step >= self.warmup_steps {
            1.0
        } else {
            step as f64 / self.warmup_steps as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_moves_by_the_learning_rate_against_the_sign() {
        // Bias-corrected moments of the first step are g and g^2.
        let mut parameters = vec![1.0, 1.0, 1.0];
        let norm = Adam::new(3).step(&mut parameters, &[3.0, -4.0, 0.0], 0.1, 100.0);
        assert!((norm - 5.0).abs() < 1e-12);
        for (parameter, expected) in parameters.iter().zip([0.9, 1.1, 1.0]) {
            assert!((parameter - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn adam_finds_the_minimum_of_a_quadratic() {
        let mut parameters = vec![3.0_f32, -2.0];
        let mut adam = Adam::new(2);
        for _ in 0..3000 {
            let gradient = [2.0 * (parameters[0] - 1.0), 20.0 * (parameters[1] - 0.5)];
            adam.step(&mut parameters, &gradient, 0.01, 1e9);
        }
        assert!((parameters[0] - 1.0).abs() < 1e-3 && (parameters[1] - 0.5).abs() < 1e-3);
    }

    #[test]
    fn clipping_keeps_the_direction_and_bounds_the_norm() {
        let run = |gradient: [f32; 2], clip: f64| {
            let mut parameters = vec![0.0, 0.0];
            let mut adam = Adam::new(2);
            adam.step(&mut parameters, &gradient, 0.1, clip);
            adam.first.clone()
        };
        let clipped = run([30.0, 40.0], 5.0);
        let small = run([3.0, 4.0], 5.0);
        for (a, b) in clipped.iter().zip(&small) {
            assert!((a - b).abs() < 1e-6);
        }
    }

    #[test]
    fn schedules_start_and_end_where_they_should() {
        let schedule = Schedule {
            learning_rate: 2e-3,
            final_fraction: 0.01,
            warmup_steps: 10,
            total_steps: 100,
        };
        assert!((schedule.learning_rate(0) - 2e-3).abs() < 1e-15);
        assert!((schedule.learning_rate(100) - 2e-5).abs() < 1e-15);
        assert!(schedule.kl_weight(0).abs() < 1e-15);
        assert!((schedule.kl_weight(5) - 0.5).abs() < 1e-15);
        assert!((schedule.kl_weight(10) - 1.0).abs() < 1e-15);
    }
}
