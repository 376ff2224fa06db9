# The page in a container, weights and decoded examples included, so that it needs no network:
#   docker build -t difficmh . && docker run --rm -p 7860:7860 difficmh
# On a CUDA GPU (the default wheels of torch bring CUDA; the host needs NVIDIA's container toolkit):
#   docker run --rm --gpus all -p 7860:7860 difficmh
# In public, with nothing writable but a folder in memory for visitors' files, and no privileges:
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#       --pids-limit 512 --memory 8g -p 127.0.0.1:7860:7860 difficmh
# Words after the image's name go to app.py (--help tells them), such as for users with passwords:
#   docker run --rm -v "$PWD/accounts:/accounts:ro" -p 7860:7860 difficmh --auth-file /accounts
# For CPUs only, with much smaller wheels:
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu -t difficmh .
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

WORKDIR /app
ARG TORCH_INDEX=""
COPY requirements.txt constraints.txt ./
RUN pip install --quiet ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt -c constraints.txt

RUN useradd --create-home --uid 1000 visitor
COPY . .
USER visitor
RUN python -m difficmh_core fetch && python -m difficmh_core fetch baselines
RUN python -m difficmh_core.ui.showcase

ENV GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860
EXPOSE 7860
# The page's own address answers with and without accounts and a root path.
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:7860/', method='HEAD'), timeout=4)"]
ENTRYPOINT ["python", "app.py"]
