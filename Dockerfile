# The page in a container:
#   docker build -t difficmh . && docker run --rm -p 7860:7860 difficmh
# To take torch from another package index, for example one of CPU builds, which are much smaller:
#   docker build --build-arg TORCH_INDEX=<address> -t difficmh .
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app
ARG TORCH_INDEX=""
COPY requirements.txt ./
RUN pip install --quiet ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt

RUN useradd --create-home --uid 1000 visitor
COPY --chown=visitor:visitor . .
USER visitor
RUN python -m difficmh_core fetch

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/', timeout=4)"]
CMD ["python", "app.py", "--host", "0.0.0.0", "--port", "7860"]
