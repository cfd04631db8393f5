# AUC, DeLong variance and paired comparison from pROC; clustered and within-fold variances coded from their papers.
source("write_golden.R")
suppressPackageStartupMessages(library(pROC))
set.seed(20260801)

# Two correlated scores with ties, 47 cases and 73 controls.
y <- rep(c(1, 0), c(47, 73))
shared <- rnorm(120)
a <- round(1.2 * y + shared + 0.6 * rnorm(120), 1)
b <- round(0.6 * y + shared + 0.9 * rnorm(120), 1)
roc_a <- roc(y, a, levels = c(0, 1), direction = "<", quiet = TRUE)
roc_b <- roc(y, b, levels = c(0, 1), direction = "<", quiet = TRUE)
wald <- ci.auc(roc_a, method = "delong")
test <- roc.test(roc_a, roc_b, method = "delong", paired = TRUE)
difference <- as.numeric(auc(roc_a)) - as.numeric(auc(roc_b))
paired <- list(
  y = y, a = a, b = b,
  auc_a = as.numeric(auc(roc_a)), auc_b = as.numeric(auc(roc_b)),
  variance_a = var(roc_a, method = "delong"), variance_b = var(roc_b, method = "delong"),
  wald_a = as.numeric(wald)[c(1, 3)],
  z = as.numeric(test$statistic), difference = difference, se_difference = difference / as.numeric(test$statistic)
)

# Obuchowski 1997, with loops over subjects and pairs, for specimens of one fold.
psi <- function(case, control) (case > control) + 0.5 * (case == control)
obuchowski <- function(y, s, subject) {
  cases <- which(y == 1); controls <- which(y == 0)
  v10 <- sapply(cases, function(i) mean(psi(s[i], s[controls])))
  v01 <- sapply(controls, function(j) mean(psi(s[cases], s[j])))
  theta <- mean(v10)
  m <- length(cases); n <- length(controls); s10 <- 0; s01 <- 0; s11 <- 0
  for (k in unique(subject)) {
    x <- sum(v10[subject[cases] == k] - theta)
    z <- sum(v01[subject[controls] == k] - theta)
    s10 <- s10 + x^2; s01 <- s01 + z^2; s11 <- s11 + x * z
  }
  i10 <- length(unique(subject[cases])); i01 <- length(unique(subject[controls])); i <- length(unique(subject))
  s10 <- i10 / ((i10 - 1) * m) * s10; s01 <- i01 / ((i01 - 1) * n) * s01; s11 <- i / (i - 1) * s11
  list(auc = theta, variance = s10 / m + s01 / n + 2 * s11 / (m * n))
}
subject <- sample(1:45, 120, replace = TRUE)
person <- rnorm(45)
y2 <- rbinom(120, 1, 0.4)
s2 <- round(y2 + person[subject] + 0.7 * rnorm(120), 1)
clustered <- c(list(y = y2, s = s2, subject = subject), obuchowski(y2, s2, subject))

# Three repeats of five folds: every within-fold pair visited once, what it adds booked on both its specimens.
fold <- t(replicate(3, sample(rep(1:5, length.out = 120))))
s3 <- t(sapply(1:3, function(r) round(y2 + person[subject] + rnorm(120) + 0.8 * fold[r, ], 1)))
influence <- numeric(120); value <- numeric(3)
for (r in 1:3) {
  total <- 0; wins <- numeric(120); met <- numeric(120)
  for (i in which(y2 == 1)) for (j in which(y2 == 0)) if (fold[r, i] == fold[r, j]) {
    w <- psi(s3[r, i], s3[r, j])
    total <- total + 1
    wins[c(i, j)] <- wins[c(i, j)] + w
    met[c(i, j)] <- met[c(i, j)] + 1
  }
  value[r] <- sum(wins[y2 == 1]) / total
  influence <- influence + (wins - value[r] * met) / total / 3
}
bessel <- function(x) length(unique(x)) / (length(unique(x)) - 1)
case_sums <- sapply(1:45, function(k) sum(influence[subject == k & y2 == 1]))
control_sums <- sapply(1:45, function(k) sum(influence[subject == k & y2 == 0]))
folds <- list(
  y = y2, scores = s3, folds = fold, subject = subject, auc = mean(value),
  variance = bessel(subject[y2 == 1]) * sum(case_sums^2) + bessel(subject[y2 == 0]) * sum(control_sums^2) +
    2 * bessel(subject) * sum(case_sums * control_sums)
)
write_golden(list(paired = paired, clustered = clustered, within_folds = folds), "roc.json", c("pROC", "jsonlite"))
