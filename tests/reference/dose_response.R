# 4PL and 5PL curves weighted by 1/y^2: base R's nls (port), and the delta method with its covariance.
source("write_golden.R")
set.seed(20260802)
control <- nls.control(maxiter = 1000, tol = 1e-12, warnOnly = TRUE)

four <- y ~ d + (a - d) / (1 + (x / c)^b)
five <- y ~ d + (a - d) / (1 + (x / c)^b)^g

# Port stops where it cannot see the sum fall; Gauss-Newton takes it to the last digits.
fitted_curve <- function(x, y, start, formula, at) {
  data <- data.frame(x = x, y = y, w = 1 / y^2)
  lower <- ifelse(names(start) %in% c("b", "c", "g"), 1e-6, -Inf)
  first <- nls(formula, data, start = start, weights = w, algorithm = "port", lower = lower, control = control)
  fit <- nls(formula, data, start = as.list(coef(first)), weights = w,
             control = nls.control(maxiter = 500, tol = 1e-8, minFactor = 1e-12, scaleOffset = 1e-9, warnOnly = TRUE))
  stopifnot(deviance(fit) <= deviance(first) * (1 + 1e-12))
  p <- coef(fit)
  g <- if ("g" %in% names(p)) p[["g"]] else 1
  inverse <- function(p, y) {
    g <- if ("g" %in% names(p)) p[["g"]] else 1
    p[["c"]] * (((p[["a"]] - p[["d"]]) / (y - p[["d"]]))^(1 / g) - 1)^(1 / p[["b"]])
  }
  # Standard error of log x by central differences: y has variance sigma^2 y^2, the parameters have vcov(fit).
  se <- sapply(at, function(y0) {
    f <- function(p, y) log(inverse(p, y))
    step <- function(v) 1e-6 * max(abs(v), 1e-6)
    grad <- sapply(names(p), function(n) {
      h <- step(p[[n]]); up <- p; down <- p
      up[[n]] <- up[[n]] + h; down[[n]] <- down[[n]] - h
      (f(up, y0) - f(down, y0)) / (2 * h)
    })
    h <- step(y0)
    slope <- (f(p, y0 + h) - f(p, y0 - h)) / (2 * h)
    sqrt(slope^2 * summary(fit)$sigma^2 * y0^2 + as.numeric(t(grad) %*% vcov(fit) %*% grad))
  })
  list(x = x, y = y, parameters = as.list(p), rss = deviance(fit), sigma = summary(fit)$sigma,
       at = at, inverse = unname(sapply(at, function(y0) inverse(p, y0))), se_log = unname(se))
}

# DNase: an ELISA printed in Davidian and Giltinan 1995, Nonlinear Models for Repeated Measurement Data, 5.2.4 (R's datasets).
runs <- lapply(c(1, 4, 9), function(run) {
  one <- DNase[DNase$Run == run, ]
  fitted_curve(one$conc, one$density, list(a = 0.01, b = 1, c = 4, d = 2.4), four, c(0.1, 0.5, 1.2))
})

# A falling (competitive) curve with 6 % of noise, in triplicate.
x <- rep(1000 / 3^(0:7), each = 3)
falling <- 0.08 + (1.9 - 0.08) / (1 + (x / 25)^1.1)
falling <- round(falling * (1 + 0.06 * rnorm(length(x))), 4)
competitive <- fitted_curve(x, falling, list(a = 2, b = 1, c = 25, d = 0.1), four, c(0.2, 0.8, 1.6))

# A bead assay over four decades: signals 12 to 25 000, 8 % of noise.
x <- rep(10000 / 4^(0:8), each = 2)
beads <- 27000 + (12 - 27000) / (1 + (x / 1500)^1.3)
beads <- round(beads * (1 + 0.08 * rnorm(length(x))), 1)
multiplex <- fitted_curve(x, beads, list(a = 12, b = 1.3, c = 1500, d = 27000), four, c(40, 900, 15000))

# An asymmetric curve, 5PL, in triplicate with 2 % of noise.
x <- rep(2000 / 2.5^(0:9), each = 3)
skewed <- 3.2 + (0.05 - 3.2) / (1 + (x / 60)^1.6)^0.45
skewed <- round(skewed * (1 + 0.02 * rnorm(length(x))), 4)
asymmetric <- fitted_curve(x, skewed, list(a = 0.05, b = 1.6, c = 60, d = 3.2, g = 0.45), five, c(0.2, 1.1, 2.6))

write_golden(
  list(dnase = runs, competitive = competitive, multiplex = multiplex, asymmetric = asymmetric),
  "dose_response.json", "jsonlite"
)
